/**
 * NFC in time that grows with the text. The runtime puts combining marks in order one by one, each behind as many as come before it, so a long row of them
 * takes time by its square; what holds one is decomposed and put in order here first, and then there is nothing to move.
 */

/** More marks in a row than any writing needs. */
const longRow = /\p{M}{17}/u;
/** A mark that stands behind every other one. What it changes places with is a mark; a letter stays where it is. */
const lastMark = "\u0345";

/** A text in NFC. */
export function composed(text: string): string {
  return (longRow.test(text) ? ordered(text) : text).normalize("NFC");
}

/** The canonical decomposition: each character's own, and then every row of marks by their classes. Marks of one class keep their order. */
function ordered(text: string): string {
  const characters = decomposed(text);
  const classes = classesOf(characters);
  const parts: string[] = [];
  let row: (string[] | undefined)[] = [];
  const end = () => {
    for (const marks of row) for (const mark of marks ?? []) parts.push(mark);
    row = [];
  };
  for (const character of characters) {
    const place = classes.get(character);
    if (place === undefined) {
      end();
      parts.push(character);
    } else {
      (row[place] ??= []).push(character);
    }
  }
  end();
  return parts.join("");
}

function decomposed(text: string): string[] {
  const characters: string[] = [];
  const known = new Map<string, string[]>();
  for (const character of text) {
    let parts = known.get(character);
    if (parts === undefined) known.set(character, (parts = [...character.normalize("NFD")]));
    for (const part of parts) characters.push(part);
  }
  return characters;
}

/**
 * The place of every mark's combining class among those of the text. The runtime tells nobody the classes, but it changes the places of two marks exactly
 * where the first one's is the higher: so the marks are compared by what it makes of the two.
 */
function classesOf(characters: readonly string[]): Map<string, number> {
  const marks = [...new Set(characters)].filter((one) => one === lastMark || isSwapped(lastMark, one));
  marks.sort((one, other) => (isSwapped(one, other) ? 1 : isSwapped(other, one) ? -1 : 0));
  const classes = new Map<string, number>();
  let place = 0;
  marks.forEach((mark, i) => {
    if (i > 0 && isSwapped(mark, marks[i - 1]!)) place++;
    classes.set(mark, place);
  });
  return classes;
}

function isSwapped(first: string, second: string): boolean {
  return (first + second).normalize("NFD") !== first + second;
}
