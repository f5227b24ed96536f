// Sort a table by the column whose heading is pressed, up and then down; n/a always goes last.
for (const button of document.querySelectorAll('th button')) {
  button.addEventListener('click', () => {
    const heading = button.parentElement;
    const rising = heading.getAttribute('aria-sort') !== 'ascending';
    const body = heading.closest('table').tBodies[0];
    const text = (row) => row.cells[heading.cellIndex].textContent;
    const compare = heading.classList.contains('number')
      ? (a, b) => parseFloat(a) - parseFloat(b)
      : (a, b) => a.localeCompare(b, 'en', { numeric: true });
    const order = (a, b) => (a === 'n/a') - (b === 'n/a') || (a === 'n/a' ? 0 : (rising ? 1 : -1) * compare(a, b));
    for (const other of heading.parentElement.cells) other.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', rising ? 'ascending' : 'descending');
    body.append(...[...body.rows].sort((a, b) => order(text(a), text(b))));
  });
}
