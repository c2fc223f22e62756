/** Runs a module without a document, and returns the names of the elements that it defines. */
export function elementsOf(module: string): string[] {
  const defined: string[] = [];
  const names = {
    HTMLElement: class {},
    addEventListener: () => {},
    customElements: { get: () => undefined, define: (name: string) => defined.push(name) },
    document: { addEventListener: () => {} },
    location: { href: "http://localhost/play-count.js" },
  };
  const text = module.replace("import.meta.url", "location.href");
  new Function(...Object.keys(names), text)(...Object.values(names));
  return defined;
}
