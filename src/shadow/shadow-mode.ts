/** Starts the observers of calls that the settings ask for: the shadow and the recording. */
import type { ShadowOptions } from '../core/shadow/shadow.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import type { CallObserver } from './call-observers.ts';
import { type ShadowParts, ShadowRun } from './shadow-run.ts';
import { type TraceObserver, TraceRecorder } from './trace-recorder.ts';

interface ModeOptions extends Omit<ShadowOptions, 'policy'> {
  readonly policy: Omit<ShadowOptions['policy'], 'mode'>;
}

/** The shadow in mode `shadow`, where the engine sends each call alone. */
export function startShadow(
  { batching }: ServeSettings,
  options: ModeOptions,
  parts: ShadowParts,
): ShadowRun | undefined {
  if (batching.mode !== 'shadow') return undefined;
  return new ShadowRun(
    { ...options, policy: { ...options.policy, mode: 'adaptive', share: 1 } },
    parts,
  );
}

/** @throws an error that names the setting, if the file cannot be written */
export function startRecording(
  { record }: ServeSettings,
  observer: TraceObserver,
  nowMs: number,
): TraceRecorder | undefined {
  const { file } = record;
  if (file === undefined) return undefined;
  try {
    return new TraceRecorder({ ...record, file }, observer, nowMs);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === 'ENOENT' ? '. The folder does not exist: create it' : '';
    throw new Error(`record.file: ${message}${advice}`, { cause: error });
  }
}

/** The observers that run, in the order in which they are told of a call. */
export function callObservers(
  shadow: ShadowRun | undefined,
  recorder: TraceRecorder | undefined,
): CallObserver[] {
  return [shadow, recorder].filter((one) => one !== undefined);
}
