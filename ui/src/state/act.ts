/** Runs something the user asked for and says so when it fails. */
import { useCallback } from "react";
import { asApiError } from "../api/host";
import { toast } from "../components/toast";
import { errorText, useLanguage } from "../messages";

export function useAct(): (work: () => Promise<unknown>) => void {
  const language = useLanguage();
  return useCallback(
    (work) => {
      work().catch((thrown: unknown) => {
        const error = asApiError(thrown);
        toast({ tone: "failed", title: errorText(language, error).title, text: error.message });
      });
    },
    [language],
  );
}
