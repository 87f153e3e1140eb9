/** The text of a transcript for the clipboard. */
import type { Segment } from "../../api/generated/Segment";
import { clock } from "../../messages/values";

/** With times, a line for each segment; without, a paragraph for each turn of a speaker. */
export function plainText(segments: readonly Segment[], times: boolean): string {
  const name = (segment: Segment) => (segment.speaker === undefined ? "" : `${segment.speaker}: `);
  if (times) return segments.map((segment) => `[${clock(segment.start)}] ${name(segment)}${segment.text.trim()}`).join("\n");
  const paragraphs: string[] = [];
  segments.forEach((segment, index) => {
    const before = segments[index - 1];
    if (before !== undefined && before.speaker === segment.speaker) paragraphs.push(`${paragraphs.pop() ?? ""} ${segment.text.trim()}`);
    else paragraphs.push(`${name(segment)}${segment.text.trim()}`);
  });
  return paragraphs.join("\n");
}
