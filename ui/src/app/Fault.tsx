/** What stands in a page's place when it broke or does not exist. */
import { Link } from "@tanstack/react-router";
import { Button } from "../components/Button";
import { Empty } from "../components/Empty";
import { useT } from "../messages";
import css from "./Shell.module.css";

export function PageFault({ error, reset }: { error: unknown; reset: () => void }) {
  const t = useT();
  return (
    <main className={css.fault}>
      <Empty title={t("fault.title")} actions={<Button onPress={reset}>{t("fault.again")}</Button>}>
        <p>{error instanceof Error ? error.message : String(error)}</p>
      </Empty>
    </main>
  );
}

export function NotFound() {
  const t = useT();
  return (
    <Empty title={t("fault.nowhere")}>
      <Link to="/activity" search={{ status: undefined }} className={css.link}>{t("nav.activity")}</Link>
    </Empty>
  );
}
