/** Server-sent events out of a byte stream (HTML standard, section 9.2.6), for fetch where EventSource cannot send a token. */

/** Feeds text in any portions; calls `onData` once for each event that has data. */
export function sseParser(onData: (data: string, id: string | null) => void): (chunk: string) => void {
  let rest = "";
  let data: string[] = [];
  let id: string | null = null;
  const line = (text: string) => {
    if (text === "") {
      if (data.length > 0) onData(data.join("\n"), id);
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "id") id = value;
  };
  return (chunk) => {
    rest += chunk;
    let end: RegExpExecArray | null;
    // A lone \r at the very end may be half of a \r\n: it waits for the next portion.
    while ((end = /\r\n|\n|\r(?!$)/.exec(rest)) !== null) {
      const text = rest.slice(0, end.index);
      rest = rest.slice(end.index + end[0].length);
      line(text);
    }
  };
}
