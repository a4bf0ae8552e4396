/** Whether bytes hold a text: as it is, or inside anything in base64. */
export function finds(bytes: Buffer, text: string): boolean {
  return bytes.includes(text) || alignments(text).some((encoded) => bytes.includes(encoded));
}

/** What stands for a text in base64, wherever it begins: the digits that no neighbour has a part in. */
function alignments(text: string): string[] {
  const bits = Buffer.byteLength(text) * 8;
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.from(`${" ".repeat(offset)}${text}`).toString("base64");
    return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor((offset * 8 + bits) / 6));
  });
}
