/** TLS of the pods behind an Ingress or a Gateway. */
import { describe, expect } from '@jest/globals';
import { gatewayApi, pick, testWithHelm } from '../support/helm.ts';
import {
  annotationsOf,
  podOf,
  podTls,
  rendered,
  route,
  settingsOf,
  specOf,
  standalone,
} from '../support/rendered.ts';

describe('TLS of the pods', () => {
  testWithHelm('is announced to every controller that the chart knows', async () => {
    const manifests = await rendered({ ...podTls, 'ingress.enabled': true });
    expect(annotationsOf(pick(manifests, 'Ingress'))).toEqual({
      'nginx.org/ssl-services': 'ucwa-ucwa-batch-proxy',
      'nginx.ingress.kubernetes.io/backend-protocol': 'HTTPS',
      'haproxy.org/server-ssl': 'true',
      'haproxy-ingress.github.io/backend-protocol': 'h1-ssl',
    });
    const service = pick(manifests, 'Service', standalone);
    expect(annotationsOf(service)).toEqual({
      'traefik.ingress.kubernetes.io/service.serversscheme': 'https',
    });
    expect(specOf(service)['ports']).toEqual([
      { name: 'https', port: 443, targetPort: 'http', appProtocol: 'https' },
    ]);
  });

  testWithHelm.each([
    ['nginxIngress', 'nginx.org/ssl-services', 'ucwa-ucwa-batch-proxy'],
    ['ingressNginx', 'nginx.ingress.kubernetes.io/backend-protocol', 'HTTPS'],
  ])('is announced to %s alone if that is the controller', async (provider, name, value) => {
    const manifests = await rendered({
      ...{ ...podTls, 'ingress.enabled': true, 'userAffinity.provider': provider },
      'ingress.annotations': { 'example.com/a': 'b' },
    });
    const annotations = annotationsOf(pick(manifests, 'Ingress'));
    expect(annotations).toMatchObject({ [name]: value, 'example.com/a': 'b' });
    const about = /ssl|backend-protocol/;
    expect(Object.keys(annotations).filter((one) => about.test(one))).toEqual([name]);
  });

  testWithHelm('is not announced if the pods speak plain HTTP', async () => {
    const manifests = await rendered({ 'ingress.enabled': true, ...route }, [gatewayApi]);
    expect(annotationsOf(pick(manifests, 'Ingress'))).toEqual({});
    expect(annotationsOf(pick(manifests, 'Service', standalone))).toEqual({});
    expect(JSON.stringify(pick(manifests, 'Service', standalone))).not.toContain('appProtocol');
    expect(manifests.map(({ kind }) => kind)).not.toContain('BackendTLSPolicy');
  });

  testWithHelm('is verified by a Gateway, with the name of the route', async () => {
    const values = {
      ...podTls,
      ...route,
      'httpRoute.hostnames': ['*.example.com', 'a.example.com'],
    };
    const policy = pick(await rendered(values), 'BackendTLSPolicy');
    expect([policy.apiVersion, specOf(policy)]).toEqual([
      'gateway.networking.k8s.io/v1',
      {
        targetRefs: [
          { group: '', kind: 'Service', name: 'ucwa-ucwa-batch-proxy', sectionName: 'https' },
        ],
        validation: { hostname: 'a.example.com', wellKnownCACertificates: 'System' },
      },
    ]);
    const caCertificateRefs = [{ group: '', kind: 'ConfigMap', name: 'ca' }];
    const own = { 'httpRoute.backendTls': { hostname: 'pods.example', caCertificateRefs } };
    expect(specOf(pick(await rendered({ ...values, ...own }), 'BackendTLSPolicy'))).toMatchObject({
      validation: { hostname: 'pods.example', caCertificateRefs },
    });
    const older = [`${gatewayApi}alpha3/BackendTLSPolicy`];
    expect(pick(await rendered(values, older), 'BackendTLSPolicy').apiVersion).toBe(
      older[0]!.replace('/BackendTLSPolicy', ''),
    );
  });

  testWithHelm('has further certificates by name, and a second port for plain HTTP', async () => {
    const manifests = await rendered({
      ...podTls,
      'serverTls.extra': [
        { existingSecret: 'b' },
        { existingSecret: 'c', certKey: 'x', keyKey: 'y' },
      ],
      'ports.plain': 8081,
    });
    const folder = '/etc/ucwa-batch-proxy-tls/server';
    expect(settingsOf(manifests)).toMatchObject({
      listen: {
        plain: '0.0.0.0:8081',
        tls: {
          cert: `${folder}/tls.crt`,
          certs: [
            { cert: `${folder}-0/tls.crt`, key: `${folder}-0/tls.key` },
            { cert: `${folder}-1/x`, key: `${folder}-1/y` },
          ],
        },
      },
    });
    const { spec } = podOf(manifests);
    expect(spec.volumes?.map(({ secret }) => secret?.secretName)).toEqual(
      expect.arrayContaining(['pods', 'b', 'c']),
    );
    expect(specOf(pick(manifests, 'Service', standalone))['ports']).toEqual([
      { name: 'https', port: 443, targetPort: 'http', appProtocol: 'https' },
      { name: 'http-plain', port: 80, targetPort: 'plain' },
    ]);
    const policy = specOf(pick(manifests, 'NetworkPolicy'))['ingress'] as [{ ports: unknown }];
    expect(policy[0].ports).toEqual([
      { port: 'http', protocol: 'TCP' },
      { port: 'plain', protocol: 'TCP' },
    ]);
  });
});
