import { stringify } from "yaml";

/** An object as Kubernetes reads it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** The text of a generated YAML file; `about` says what it is for, one line each. */
export function yamlFile(about: readonly string[], documents: readonly object[]): string {
  const header = ["Generated from the contract by `npm run generate`. Do not edit.", ...about];
  const comment = header.map((line) => `# ${line}\n`).join("");
  // References would be one more thing to know, and kustomize does not keep them.
  const texts = documents.map((document) =>
    stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }),
  );
  return `${comment}${texts.join("---\n")}`;
}

/** A generated kustomization of the files beside it. */
export function kustomizationFile(resources: readonly string[]): string {
  const kustomization = { apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization" };
  return yamlFile([], [{ ...kustomization, resources: [...resources].sort() }]);
}
