/** Which Bobina this is. */
import { useQuery } from "@tanstack/react-query";
import { doctor } from "../../api/queries";
import { Mark } from "../../components/Mark";
import { useT } from "../../messages";
import css from "./Settings.module.css";

export function About() {
  const t = useT();
  const { data } = useQuery(doctor());
  return (
    <div className={css.about}>
      <Mark size={40} />
      <div>
        <b>Bobina {data?.version ?? ""}</b>
        <span>{t("about.text")}</span>
        <span>{t("about.licence")}</span>
      </div>
    </div>
  );
}
