/** A button that opens a list of actions. */
import type { ReactNode } from "react";
import { Menu as AriaMenu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import css from "./Choice.module.css";

export function Menu({ trigger, label, items, onAction }: { trigger: ReactNode; label: string; items: { id: string; label: string; note?: string; isDisabled?: boolean }[]; onAction: (id: string) => void }) {
  return (
    <MenuTrigger>
      {trigger}
      <Popover className={css.popover ?? ""} offset={4} placement="bottom end">
        <AriaMenu aria-label={label} className={css.list ?? ""} onAction={(key) => onAction(String(key))}>
          {items.map((item) => (
            <MenuItem key={item.id} id={item.id} className={css.item ?? ""} textValue={item.label} isDisabled={item.isDisabled ?? false}>
              <span>{item.label}</span>
              {item.note !== undefined && <span className={css.note}>{item.note}</span>}
            </MenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
