import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import type { PageWatch } from '../page/watch.ts';
import type { Health } from './health.ts';
import type { LiveSettings } from './live-settings.ts';
import type { Proof } from './proof.ts';
import type { TlsWatch } from './tls-watch.ts';
import type { Tracing } from './tracing.ts';

/** The settings, and the parts that most other parts use. */
export interface Surroundings {
  /** The settings at the start. */
  readonly settings: ServeSettings;
  /** The settings in force. */
  readonly live: LiveSettings;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly renewals: TlsWatch;
  readonly health: Health;
  /** `undefined`: no call is traced. */
  readonly tracing: Tracing | undefined;
  /** Where the page of the admin port attaches its observers. */
  readonly watch: PageWatch;
  readonly proof: Proof;
  readonly internalError: (error: unknown) => void;
}
