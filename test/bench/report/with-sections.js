/**
 * Replaces sections of a report. A section that the report does not have goes behind the section
 * before it in the order of all titles, or to the end.
 *
 * @param {string} page
 * @param {readonly string[]} markdowns sections, each from its heading on
 * @param {readonly string[]} order titles of all sections
 * @returns {string}
 */
export function withSections(page, markdowns, order) {
  const [head = '', ...sections] = page.split(/^(?=## )/m).map((part) => part.trimEnd());
  for (const markdown of markdowns) {
    const title = titleOf(markdown);
    const at = sections.findIndex((section) => titleOf(section) === title);
    if (at !== -1) {
      sections[at] = markdown;
      continue;
    }
    const before = order.slice(0, order.indexOf(title));
    const last = sections.findLastIndex((section) => before.includes(titleOf(section)));
    sections.splice(last === -1 ? sections.length : last + 1, 0, markdown);
  }
  return [head, ...sections].join('\n\n');
}

/** @param {string} markdown */
function titleOf(markdown) {
  return /^## (.*)$/m.exec(markdown)?.[1] ?? '';
}
