/** A text that is kept when the user leaves the field, not at every letter. */
import { useEffect, useState } from "react";
import { TextBox } from "../../components/Field";

type Props = { label: string; value: string; description?: string; placeholder?: string; onCommit: (text: string) => void; number?: boolean };

export function Later({ label, value, description, placeholder, onCommit, number }: Props) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const commit = () => {
    if (text !== value) onCommit(text);
  };
  return (
    <div
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
      }}
    >
      <TextBox label={label} value={text} onChange={setText} type={number ? "number" : "text"} {...(description === undefined ? {} : { description })} {...(placeholder === undefined ? {} : { placeholder })} />
    </div>
  );
}

/** A number as it may be; the nearest that may be where it is not. */
export const whole = (text: string, low: number, high: number): number => Math.min(high, Math.max(low, Math.round(Number(text)) || low));
