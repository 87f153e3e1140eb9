/** What the user should know before anything else, above the page: settings that could not be read. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { TriangleAlert, X } from "lucide-react";
import { useState } from "react";
import { settingsProblems } from "../api/queries";
import { IconButton } from "../components/Button";
import { useT } from "../messages";
import css from "./Shell.module.css";

export function Banner() {
  const t = useT();
  const { data } = useQuery(settingsProblems());
  const [closed, setClosed] = useState(false);
  const problems = data?.problems ?? [];
  if (closed || problems.length === 0) return null;
  return (
    <div className={css.banner} role="alert">
      <TriangleAlert size={16} aria-hidden />
      <div>
        <b>{t("banner.settings", { count: problems.length })}</b>
        {problems.slice(0, 3).map((problem) => (
          <span key={problem}>{problem}</span>
        ))}
      </div>
      <Link to="/settings" search={{ part: "general" }} className={css.link}>{t("nav.settings")}</Link>
      <IconButton label={t("close")} onPress={() => setClosed(true)}>
        <X size={14} aria-hidden />
      </IconButton>
    </div>
  );
}
