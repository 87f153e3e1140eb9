/** Sentences about tasks: why one waits, what a step is called. */
import type { Task } from "../api/generated/Task";
import type { Waiting } from "../api/generated/Waiting";
import { errorText, isKey, type Language, type Translate } from "../messages";
import { moment } from "../messages/values";

/** A step by its kind's name, its own name where the kind is new to us. */
export function stepName(t: Translate, step: string): string {
  const key = `step.${step}`;
  return isKey(key) ? t(key) : step.replaceAll("_", " ");
}

/** What a running step is doing: "Transcribing". */
export function stepDoing(t: Translate, step: string): string {
  const key = `doing.${step}`;
  return isKey(key) ? t(key) : stepName(t, step);
}

export function waitingSentence(t: Translate, language: Language, waiting: Waiting): string {
  switch (waiting.reason) {
    case "paused":
      return t("waiting.paused");
    case "paused_until":
      return t("waiting.paused.until", { time: moment(language, waiting.time) });
    case "held":
      if (waiting.by === "power") return t("waiting.power");
      return waiting.time === null ? t("waiting.night") : t("waiting.night.until", { time: moment(language, waiting.time) });
    case "until":
      return waiting.attempt > 0 ? t("waiting.retry", { time: moment(language, waiting.time), attempt: waiting.attempt + 1 }) : t("waiting.until", { time: moment(language, waiting.time) });
    case "for": {
      const { title } = errorText(language, { code: waiting.code, message: waiting.code });
      return waiting.time === null ? title : t("waiting.again", { title, time: moment(language, waiting.time) });
    }
    case "lane": {
      const key = `lane.${waiting.lane}`;
      const lane = isKey(key) ? t(key) : waiting.lane.replace(/^provider:/, "");
      return waiting.ahead > 0 ? t("waiting.ahead", { count: waiting.ahead, lane }) : t("waiting.lane", { lane });
    }
  }
}

/** One sentence on where a task stands. */
export function standing(t: Translate, language: Language, task: Task): string {
  switch (task.status) {
    case "failed":
      return task.error === null ? t("status.failed") : errorText(language, task.error).title;
    case "cancelled":
      return t("status.cancelled");
    case "completed": {
      const key = `note.${task.note ?? ""}`;
      if (isKey(key)) return t(key);
      return task.transcript_id === null ? t("status.completed") : t("status.transcribed");
    }
    case "queued":
    case "processing":
      if (task.paused) return t("waiting.paused");
      if (task.waiting !== null) return waitingSentence(t, language, task.waiting);
      if (task.status === "queued") return t("status.queued");
      return task.current_step === null ? t("status.processing") : stepDoing(t, task.current_step);
  }
}
