/** On or off, with what it means below its name. */
import css from "./Switch.module.css";

export function Switch({ label, note, value, onChange }: { label: string; note?: string; value: boolean; onChange: (on: boolean) => void }) {
  return (
    <label className={css.switch}>
      <input type="checkbox" role="switch" className={css.input} checked={value} onChange={(event) => onChange(event.target.checked)} />
      <span className={css.track} aria-hidden>
        <span className={css.knob} />
      </span>
      <span className={css.words}>
        <span>{label}</span>
        {note !== undefined && <small>{note}</small>}
      </span>
    </label>
  );
}
