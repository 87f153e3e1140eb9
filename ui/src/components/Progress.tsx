/** How far something is: a bar with a name, and the pills of a task's steps. Colours mean state and nothing else. */
import { ProgressBar } from "react-aria-components";
import css from "./Progress.module.css";

export type Tone = "running" | "done" | "failed" | "waiting" | "idle";

export function Bar({ label, value, tone = "running", unknown }: { label: string; value: number; tone?: Tone; unknown?: boolean }) {
  return (
    <ProgressBar aria-label={label} value={value} isIndeterminate={unknown ?? false} className={css.bar ?? ""}>
      <span className={`${css.fill} ${css[tone]} ${unknown ? css.unknown : ""}`} style={{ transform: unknown ? undefined : `scaleX(${Math.min(100, Math.max(0, value)) / 100})` }} />
    </ProgressBar>
  );
}

export function Pills({ label, steps }: { label: string; steps: { name: string; tone: Tone }[] }) {
  return (
    <span className={css.pills} role="img" aria-label={label}>
      {steps.map((step) => (
        <i key={step.name} className={`${css.pill} ${css[step.tone]}`} title={step.name} />
      ))}
    </span>
  );
}

export function Dot({ tone, pulse }: { tone: Tone; pulse?: boolean }) {
  return <i className={`${css.dot} ${css[tone]} ${pulse ? css.pulse : ""}`} aria-hidden />;
}
