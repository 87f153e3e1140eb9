/** Everything around the pages: data, language, theme, routes. */
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useState, useSyncExternalStore } from "react";
import { I18nProvider } from "react-aria-components";
import { LanguageContext, languageOf } from "../messages";
import { useSettings } from "../state/settings";
import { makeRouter } from "./routes";

export function App({ client }: { client: QueryClient }) {
  return (
    <QueryClientProvider client={client}>
      <Dressed />
    </QueryClientProvider>
  );
}

const LIGHT = "(prefers-color-scheme: light)";
function useSystemLight(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const query = matchMedia(LIGHT);
      query.addEventListener("change", changed);
      return () => query.removeEventListener("change", changed);
    },
    () => matchMedia(LIGHT).matches,
  );
}

function Dressed() {
  const settings = useSettings();
  const systemLight = useSystemLight();
  const language = languageOf(settings?.ui_language ?? "system");
  const theme = settings?.theme === "light" || settings?.theme === "dark" ? settings.theme : systemLight ? "light" : "dark";
  const density = settings?.density === "compact" ? "compact" : "comfortable";
  useEffect(() => {
    const page = document.documentElement;
    page.lang = language;
    page.dataset.theme = theme;
    page.dataset.density = density;
  }, [language, theme, density]);
  const [router] = useState(makeRouter);
  return (
    <LanguageContext value={language}>
      <I18nProvider locale={language}>
        <RouterProvider router={router} />
      </I18nProvider>
    </LanguageContext>
  );
}
