/** Text fields and the search field. */
import { Search, X } from "lucide-react";
import type { KeyboardEventHandler, ReactNode, Ref } from "react";
import { Button, Input, Label, SearchField, Text, TextArea, TextField } from "react-aria-components";
import css from "./Field.module.css";

export function SearchBox({ label, value, onChange, placeholder, note, wide, clearLabel, onKeyDown, inputRef }: { label: string; value: string; onChange: (text: string) => void; placeholder?: string; note?: ReactNode; wide?: boolean; clearLabel: string; onKeyDown?: KeyboardEventHandler<HTMLInputElement>; inputRef?: Ref<HTMLInputElement> }) {
  return (
    <SearchField aria-label={label} className={`${css.search} ${wide ? css.wide : ""}`} value={value} onChange={onChange}>
      <Search size={15} aria-hidden className={css.glass} />
      <Input className={css.input ?? ""} placeholder={placeholder ?? label} {...(onKeyDown ? { onKeyDown } : {})} {...(inputRef ? { ref: inputRef } : {})} />
      {note !== undefined && note !== null && <span className={css.note}>{note}</span>}
      {value !== "" && (
        <Button className={css.clear ?? ""} aria-label={clearLabel}>
          <X size={14} aria-hidden />
        </Button>
      )}
    </SearchField>
  );
}

export function TextBox({ label, value, onChange, placeholder, description, rows, error, type = "text", autoFocus }: { label: string; value: string; onChange: (text: string) => void; placeholder?: string; description?: string; rows?: number; error?: string | undefined; type?: "text" | "number"; autoFocus?: boolean }) {
  return (
    <TextField className={css.field ?? ""} value={value} onChange={onChange} type={type} isInvalid={error !== undefined} {...(autoFocus ? { autoFocus: true } : {})}>
      <Label className={css.label ?? ""}>{label}</Label>
      {rows === undefined ? <Input className={css.box ?? ""} placeholder={placeholder ?? ""} /> : <TextArea className={`${css.box} ${css.area}`} rows={rows} placeholder={placeholder ?? ""} />}
      {description !== undefined && error === undefined && <Text slot="description" className={css.description ?? ""}>{description}</Text>}
      {error !== undefined && <Text slot="errorMessage" className={css.error ?? ""}>{error}</Text>}
    </TextField>
  );
}
