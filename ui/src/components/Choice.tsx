/** Choosing one of a few: side by side (`Segmented`) or from a list (`Choice`). */
import { ChevronDown } from "lucide-react";
import type { ReactNode } from "react";
import { Button, Label, ListBox, ListBoxItem, Popover, Select, SelectValue, Text, ToggleButton, ToggleButtonGroup } from "react-aria-components";
import css from "./Choice.module.css";

export type Option<Id extends string> = { id: Id; label: string; note?: string };

export function Segmented<Id extends string>({ label, options, value, onChange }: { label: string; options: { id: Id; label: ReactNode; count?: number; name?: string }[]; value: Id; onChange: (id: Id) => void }) {
  return (
    <ToggleButtonGroup
      aria-label={label}
      className={css.segmented ?? ""}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const [first] = keys;
        if (first !== undefined) onChange(first as Id);
      }}
    >
      {options.map((option) => (
        <ToggleButton key={option.id} id={option.id} className={css.segment ?? ""} {...(option.name === undefined ? {} : { "aria-label": option.name })}>
          {option.label}
          {option.count !== undefined && option.count > 0 && <span className={css.count}>{option.count}</span>}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

export function Choice<Id extends string>({ label, hideLabel, options, value, onChange, prefix, description }: { label: string; hideLabel?: boolean; options: Option<Id>[]; value: Id; onChange: (id: Id) => void; prefix?: string; description?: string }) {
  return (
    <Select
      className={hideLabel ? (css.inline ?? "") : (css.select ?? "")}
      value={value}
      onChange={(key) => {
        if (key !== null) onChange(key as Id);
      }}
      {...(hideLabel ? { "aria-label": label } : {})}
    >
      {!hideLabel && <Label className={css.label ?? ""}>{label}</Label>}
      <Button className={hideLabel ? (css.chip ?? "") : (css.button ?? "")}>
        {prefix !== undefined && <span className={css.prefix}>{prefix}</span>}
        <SelectValue className={css.value ?? ""}>{options.find((option) => option.id === value)?.label ?? value}</SelectValue>
        <ChevronDown size={14} aria-hidden />
      </Button>
      {description !== undefined && <Text slot="description" className={css.description ?? ""}>{description}</Text>}
      <Popover className={css.popover ?? ""} offset={4}>
        <ListBox className={css.list ?? ""}>
          {options.map((option) => (
            <ListBoxItem key={option.id} id={option.id} textValue={option.label} className={css.item ?? ""}>
              <Text slot="label">{option.label}</Text>
              {option.note !== undefined && <Text slot="description" className={css.note ?? ""}>{option.note}</Text>}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  );
}
