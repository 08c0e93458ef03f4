// Files of tests/e2e that do not run in Firefox, each with its reason; everything else runs in both browsers.

export const NOT_IN_FIREFOX = {
  'tests/e2e/at-rest.test.ts': "reads the files of Chromium's databases",
  'tests/e2e/build.test.ts': "reads Chromium's build; the manifest of both is in manifest.test.ts",
  'tests/e2e/hostile.test.ts': "steps into the bridge's world by a command only Chromium has",
  'tests/e2e/supply.test.ts': 'builds for both by itself, and needs no browser',
  'tests/e2e/sm.test.ts':
    'after a cut connection Converse logs in anew there, without the extension too, and drops what was under way',
};
