/** A task unfolded: every step with engine, tries, times and errors, and what cures them. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { RefreshCw } from "lucide-react";
import { call } from "../../api/call";
import type { Attempt } from "../../api/generated/Attempt";
import type { Job } from "../../api/generated/Job";
import type { Priority } from "../../api/generated/Priority";
import type { Task } from "../../api/generated/Task";
import { asApiError } from "../../api/host";
import { taskDetail } from "../../api/queries";
import { IconButton } from "../../components/Button";
import { Choice } from "../../components/Choice";
import { Dot } from "../../components/Progress";
import { errorText, useLanguage, useT } from "../../messages";
import { moment, took } from "../../messages/values";
import { useAct } from "../../state/act";
import { stepName, waitingSentence } from "../../state/words";
import css from "./Activity.module.css";
import { CureButton } from "./Cure";
import { toneOf } from "./steps";

const PRIORITIES: Priority[] = ["low", "medium", "high", "urgent"];

export function TaskDetail({ task }: { task: Task }) {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const { data, error } = useQuery(taskDetail(task.task_id));
  const source = task.input.source.type === "url" ? task.input.source.url : task.input.source.path;
  const active = task.status === "queued" || task.status === "processing";
  return (
    <div role="row" aria-level={2} className={css.detail}>
      <div role="gridcell">
        {error !== null && <p className={css.failed}>{errorText(language, asApiError(error)).title}</p>}
        {data !== undefined && (
          <ol className={css.steps}>
            {data.jobs.map((job) => (
              <Step key={job.job_id} job={job} task={task} />
            ))}
          </ol>
        )}
        {task.waiting !== null && active && <p className={css.why}>{waitingSentence(t, language, task.waiting)}</p>}
        {task.waiting?.reason === "for" && !data?.jobs.some((job) => job.error !== null) && (
          <div className={css.cure}>
            <CureButton task={task} error={{ code: task.waiting.code, message: "", cure: task.waiting.code === "MODEL_MISSING" ? "download_model" : task.waiting.code === "TOOL_MISSING" ? "install_tool" : "retry" }} />
          </div>
        )}
        <div className={css.foot}>
          <code className={css.source} title={source}>{source}</code>
          {active && (
            <Choice label={t("add.priority")} hideLabel prefix={t("add.priority")} options={PRIORITIES.map((id) => ({ id, label: t(`priority.${id}`) }))} value={task.priority} onChange={(priority) => act(() => call("tasks.set_priority", { task_id: task.task_id, priority }))} />
          )}
          {task.media_id !== null && (
            <Link to="/library/$mediaId" params={{ mediaId: task.media_id }} search={{ t: undefined, find: undefined }} className={css.toMedia}>
              {task.transcript_id === null ? t("tasks.media") : t("tasks.open.short")}
            </Link>
          )}
        </div>
      </div>
    </div>
  );
}

function Step({ job, task }: { job: Job; task: Task }) {
  const t = useT();
  const language = useLanguage();
  const act = useAct();
  const done = job.state === "succeeded";
  const facts = [
    job.cached ? t("remaining.cached") : null,
    job.engine,
    done ? took(language, job.started_at, job.finished_at) : null,
    job.state === "running" && job.progress > 0 ? `${Math.floor(job.progress)}%` : null,
    job.attempts > 1 || (job.attempts === 1 && !done && job.state !== "running") ? t("step.tries", { count: job.attempts, max: job.max_attempts }) : null,
    job.state === "scheduled" && job.run_at !== null ? t("step.next", { time: moment(language, job.run_at) }) : null,
  ].filter((fact): fact is string => fact !== null && fact !== "");
  const text = job.error === null ? null : errorText(language, job.error);
  return (
    <li className={css.stepRow}>
      <Dot tone={toneOf(job.state)} pulse={job.state === "running"} />
      <div className={css.stepBody}>
        <div className={css.stepLine}>
          <b>{stepName(t, job.kind)}</b>
          <span className={css.stepState}>{job.detail ?? t(`job.${job.state}`)}</span>
          {facts.map((fact) => (
            <span key={fact} className={css.fact}>{fact}</span>
          ))}
          {(done || job.state === "dead") && task.status !== "processing" && (
            <span className={css.redo}>
              <IconButton label={t("step.redo", { step: stepName(t, job.kind) })} onPress={() => act(() => call("tasks.run_step", { task_id: task.task_id, step: job.step }))}>
                <RefreshCw size={13} aria-hidden />
              </IconButton>
            </span>
          )}
        </div>
        {job.error !== null && text !== null && !done && (
          <div className={css.fault}>
            <b>{text.title}</b>
            <span>{job.error.message}</span>
            <span className={css.faultCure}>{text.cure}</span>
            {job.error.detail !== undefined && (
              <details>
                <summary>{t("detail")}</summary>
                <pre>{job.error.detail}</pre>
              </details>
            )}
            <div className={css.cure}>
              <CureButton task={task} error={job.error} />
            </div>
          </div>
        )}
        {job.history.length > 1 && <History attempts={job.history} />}
      </div>
    </li>
  );
}

function History({ attempts }: { attempts: Attempt[] }) {
  const t = useT();
  const language = useLanguage();
  return (
    <details className={css.history}>
      <summary>{t("step.history", { count: attempts.length })}</summary>
      <ol>
        {attempts.map((attempt) => (
          <li key={attempt.lease}>
            <time dateTime={attempt.started_at}>{moment(language, attempt.started_at)}</time>
            <span>{t(`attempt.${attempt.outcome}`)}</span>
            <span>{attempt.engine ?? ""}</span>
            <span>{took(language, attempt.started_at, attempt.finished_at)}</span>
            <span>{attempt.error === null ? "" : errorText(language, attempt.error).title}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

