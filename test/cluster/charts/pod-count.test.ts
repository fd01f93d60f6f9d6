/** Autoscaling and disruption budgets. */
import { readFileSync } from 'node:fs';
import { describe, expect } from '@jest/globals';
import { chartFolder, pick, testWithHelm } from '../support/helm.ts';
import { rendered, specOf } from '../support/rendered.ts';

describe('the number of pods', () => {
  testWithHelm('follows the CPU in use, as the sizing page plans it', async () => {
    const { metrics, maxReplicas } = specOf(
      pick(await rendered({ 'autoscaling.enabled': true }), 'HorizontalPodAutoscaler'),
    ) as {
      metrics: ReadonlyArray<{ resource: { target: { type: string; averageValue: string } } }>;
      maxReplicas: number;
    };
    const { type, averageValue } = metrics[0]!.resource.target;
    expect([metrics.length, type]).toEqual([1, 'AverageValue']);
    const core = Number(/^(\d+)m$/.exec(averageValue)?.[1]) / 1000;
    const page = readFileSync(`${chartFolder('.')}/../docs/kubernetes.md`, 'utf8');
    expect(page).toContain(`use ${core * 100} % of a core`);
    const rows = [...page.matchAll(/^ *\| [\d,]+ +\| ([\d,]+) +\| ([\d.]+) +\| (\d+)/gm)];
    expect(rows.length).toBe(3);
    for (const [row, , cpu, pods] of rows) {
      const wanted = Math.ceil(Number(cpu) / core);
      expect([row, wanted <= Number(pods), wanted <= maxReplicas]).toEqual([row, true, true]);
    }
  });

  testWithHelm('can follow a share of the CPU request instead', async () => {
    const values = {
      'autoscaling.enabled': true,
      'autoscaling.targetCPUUtilizationPercentage': 70,
    };
    const { metrics } = specOf(pick(await rendered(values), 'HorizontalPodAutoscaler'));
    expect(metrics).toEqual([
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
      },
    ]);
  });

  testWithHelm('has a disruption budget if the autoscaler can start a second pod', async () => {
    const values = { 'autoscaling.enabled': true, 'autoscaling.minReplicas': 1 };
    expect(specOf(pick(await rendered(values), 'PodDisruptionBudget'))['maxUnavailable']).toBe(1);
    const alone = { ...values, 'autoscaling.maxReplicas': 1 };
    expect((await rendered(alone)).map(({ kind }) => kind)).not.toContain('PodDisruptionBudget');
  });

  testWithHelm.each([1, '50%'])('can have a budget of %s available pods', async (minAvailable) => {
    const values = { 'podDisruptionBudget.minAvailable': minAvailable };
    const spec = specOf(pick(await rendered(values), 'PodDisruptionBudget'));
    expect([spec['minAvailable'], spec['maxUnavailable']]).toEqual([minAvailable, undefined]);
  });
});
