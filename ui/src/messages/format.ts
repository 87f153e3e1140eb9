/** The little of ICU MessageFormat that the catalogues use: `{name}` and `{count, plural, one {…} other {…}}` with `#`. */

export type Values = Record<string, string | number>;

/** The index just after the brace that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at + 1;
  }
  throw new Error(`unbalanced braces in "${text}"`);
}

/** The cases of a plural: `=0 {none} one {# x} other {# xs}`. */
export function cases(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let at = 0;
  for (;;) {
    const open = text.indexOf("{", at);
    if (open < 0) return found;
    const end = closing(text, open);
    found.set(text.slice(at, open).trim(), text.slice(open + 1, end - 1));
    at = end;
  }
}

export function format(locale: string, message: string, values: Values = {}): string {
  let out = "";
  let at = 0;
  for (;;) {
    const open = message.indexOf("{", at);
    if (open < 0) return out + message.slice(at);
    out += message.slice(at, open);
    at = closing(message, open);
    const inner = message.slice(open + 1, at - 1);
    const [name = "", kind, ...rest] = inner.split(",");
    const value = values[name.trim()];
    if (kind?.trim() === "plural") {
      const count = Number(value ?? 0);
      const choice = cases(rest.join(","));
      const text = choice.get(`=${count}`) ?? choice.get(new Intl.PluralRules(locale).select(count)) ?? choice.get("other") ?? "";
      out += format(locale, text.replaceAll("#", new Intl.NumberFormat(locale).format(count)), values);
    } else {
      out += typeof value === "number" ? new Intl.NumberFormat(locale).format(value) : (value ?? "");
    }
  }
}
