/** Classes of a CSS module: a name that is not in the file is undefined at run time, so the type says so. */
declare module "*.module.css" {
  const classes: Record<string, string | undefined>;
  export default classes;
}
