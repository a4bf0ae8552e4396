import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./commands.js";

/** Makes a root and an intermediate authority, named as Istio's `cacerts` secret names them. */
export async function makeAuthority(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const openssl = (...args: string[]) => run("openssl", args, { folder });
  const key = ["-newkey", "rsa:2048", "-nodes"];
  await openssl(
    "req",
    "-x509",
    ...key,
    "-days",
    "2",
    "-subj",
    "/O=mesh-lab/CN=root",
    "-keyout",
    "root-key.pem",
    "-out",
    "root-cert.pem",
  );
  await openssl(
    "req",
    ...key,
    "-subj",
    "/O=mesh-lab/CN=intermediate",
    "-keyout",
    "ca-key.pem",
    "-out",
    "ca.csr",
  );
  const extensions = [
    "basicConstraints=critical,CA:TRUE,pathlen:0",
    "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
    "subjectAltName=DNS:istiod.istio-system.svc",
  ];
  await writeFile(join(folder, "ca.cnf"), `${extensions.join("\n")}\n`);
  const signer = ["-CA", "root-cert.pem", "-CAkey", "root-key.pem", "-CAcreateserial"];
  await openssl(
    "x509",
    "-req",
    "-in",
    "ca.csr",
    ...signer,
    "-days",
    "2",
    "-extfile",
    "ca.cnf",
    "-out",
    "ca-cert.pem",
  );
  const chain = await Promise.all(
    ["ca-cert.pem", "root-cert.pem"].map((file) => readFile(join(folder, file), "utf8")),
  );
  await writeFile(join(folder, "cert-chain.pem"), chain.join(""));
  for (const file of ["root-key.pem", "ca-key.pem"]) await chmod(join(folder, file), 0o600);
}

/** Makes a self-signed certificate of a host; returns both as PEM. */
export async function makeServerCertificate(
  folder: string,
  host: string,
): Promise<{ key: string; cert: string }> {
  await mkdir(folder, { recursive: true });
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  const files = ["-keyout", "server-key.pem", "-out", "server-cert.pem"];
  await run(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files],
    { folder },
  );
  const [key, cert] = await Promise.all(
    ["server-key.pem", "server-cert.pem"].map((file) => readFile(join(folder, file), "utf8")),
  );
  return { key: key!, cert: cert! };
}

/** Signs what istiod would give to a workload with a SPIFFE id; returns the files' names. */
export async function signWorkloadCertificate(
  authority: string,
  folder: string,
  id: string,
): Promise<{ key: string; cert: string }> {
  await mkdir(folder, { recursive: true });
  const openssl = (...args: string[]) => run("openssl", args, { folder });
  await openssl(
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    "/",
    "-keyout",
    "key.pem",
    "-out",
    "request.pem",
  );
  await writeFile(join(folder, "id.cnf"), `subjectAltName=critical,URI:${id}\n`);
  const signer = [
    "-CA",
    join(authority, "ca-cert.pem"),
    "-CAkey",
    join(authority, "ca-key.pem"),
    "-CAcreateserial",
  ];
  const output = ["-days", "2", "-extfile", "id.cnf", "-out", "cert.pem"];
  await openssl("x509", "-req", "-in", "request.pem", ...signer, ...output);
  const chain = await Promise.all(
    [join(folder, "cert.pem"), join(authority, "ca-cert.pem")].map((file) => readFile(file, "utf8")),
  );
  await writeFile(join(folder, "chain.pem"), chain.join(""));
  return { key: join(folder, "key.pem"), cert: join(folder, "chain.pem") };
}
