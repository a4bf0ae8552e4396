import { generate } from "selfsigned";

/** A key with its certificate, PEM. */
export interface IssuedKeys {
  readonly key: string;
  readonly cert: string;
}

/** Signs certificates. */
export interface Authority {
  readonly cert: string;
  /** A certificate for localhost, and for a workload's service account of namespace `prod` where one is named. */
  issue(account?: string): Promise<IssuedKeys>;
}

/** An authority of its own, known to nobody else. */
export async function createAuthority(): Promise<Authority> {
  const root = await generate([{ name: "commonName", value: "Test authority" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [{ name: "basicConstraints", cA: true, critical: true }],
  });
  return {
    cert: root.cert,
    async issue(account) {
      const uri = account && `spiffe://cluster.local/ns/prod/sa/${account}`;
      const { private: key, cert } = await generate([{ name: "commonName", value: account ?? "client" }], {
        keyType: "ec",
        algorithm: "sha256",
        ca: { key: root.private, cert: root.cert },
        extensions: [
          { name: "basicConstraints", cA: false },
          {
            name: "subjectAltName",
            altNames: [
              { type: 2, value: "localhost" },
              { type: 7, ip: "127.0.0.1" },
              ...(uri ? [{ type: 6 as const, value: uri }] : []),
            ],
          },
        ],
      });
      return { key, cert };
    },
  };
}
