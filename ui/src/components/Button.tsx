/** Buttons: one main action a screen (`primary`), the rest quiet; an icon alone always has a name and a tooltip. */
import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps as AriaButtonProps, Tooltip, TooltipTrigger } from "react-aria-components";
import css from "./Button.module.css";

type Look = "primary" | "plain" | "quiet" | "danger";

export function Button({ look = "plain", small, icon, children, ...rest }: Omit<AriaButtonProps, "children" | "className"> & { look?: Look; small?: boolean; icon?: ReactNode; children: ReactNode }) {
  return (
    <AriaButton {...rest} className={`${css.button} ${css[look]} ${small ? css.small : ""}`}>
      {icon}
      <span className={css.label}>{children}</span>
    </AriaButton>
  );
}

export function IconButton({ label, children, ...rest }: Omit<AriaButtonProps, "children" | "className" | "aria-label"> & { label: string; children: ReactNode }) {
  return (
    <TooltipTrigger delay={500} closeDelay={0}>
      <AriaButton {...rest} aria-label={label} className={css.icon ?? ""}>
        {children}
      </AriaButton>
      <Tooltip className={css.tooltip ?? ""} offset={6}>
        {label}
      </Tooltip>
    </TooltipTrigger>
  );
}
