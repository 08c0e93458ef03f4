// Makes a fresh machine ready, or names the exact command and stops. Says nothing when there is nothing to do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { locateChromium } from './chromium.mjs';
import { locateFirefox } from './firefox.mjs';
import { makeNpmRivals } from './npm-rivals.mjs';
import { makePythonPeers } from './python-peers.mjs';
import { ROOT } from './steps.mjs';

const PEERS = [
  ...['profanity', 'tmux', 'gajim', 'gajim-omemo', 'xvfb'],
  ...['libervia-backend', 'dbus-daemon', 'python3-gi'],
  ...['python3-omemo', 'python3-oldmemo', 'python3-twomemo'],
  ...['python3-slixmpp', 'python3-xmlschema', 'python3-cryptography'],
  'python3-venv',
];

/** What the drivers of tests/cross and some of tests/interop are built from and run on. */
const LIBRARIES = [
  ...['gcc', 'libc6-dev', 'pkg-config', 'libomemo-c-dev', 'libcjson-dev', 'libssl-dev'],
  ...['python3-oldmemo', 'python3-twomemo'],
];

/** What npm run bench -- core measures against, beside the packages of npm. */
const RIVALS = ['gcc', 'libc6-dev', 'libomemo-c-dev', 'libssl-dev', 'python3-oldmemo'];

function stop(text) {
  console.error(text);
  process.exit(1);
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function perform(command, args) {
  console.log(`$ ${[command, ...args].join(' ')}`);
  return spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) return;
  stop(
    `Node ${process.versions.node} is not supported: Omnemo needs 20.19 or later of 20, or 22.12 and later.\n` +
      'Get one from https://nodejs.org/en/download and run this again.',
  );
}

function installPackages() {
  const digest = createHash('sha256')
    .update(readFileSync(path.join(ROOT, 'package-lock.json')))
    .digest('hex');
  const stamp = path.join(ROOT, 'node_modules', '.installed-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  if (!perform('npm', args)) stop(`Installing the npm packages failed: npm ${args.join(' ')}`);
  writeFileSync(stamp, digest);
}

function isInstalled(debianPackage) {
  const status = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', debianPackage], {
    encoding: 'utf8',
  });
  return status.stdout === 'installed';
}

function hasProgram(name) {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .concat('/usr/sbin')
    .some((folder) => folder !== '' && existsSync(path.join(folder, name)));
}

function isUbuntu() {
  return (
    existsSync('/etc/os-release') && /^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'))
  );
}

function missingPackages(needs) {
  const missing = [];
  if (needs.browser && locateChromium() === undefined) {
    if (isUbuntu())
      stop(
        "Ubuntu has Chromium only as a snap, which cannot see this folder's build. Install a Chrome for testing:\n" +
          '    npx @puppeteer/browsers install chrome@stable --install-deps\n' +
          'and name the program it prints in OMNEMO_CHROMIUM, or put google-chrome or chromium into PATH.',
      );
    missing.push('chromium', 'chromium-sandbox', 'fonts-dejavu-core');
  }
  if (needs.firefox && locateFirefox() === undefined) {
    if (isUbuntu())
      stop(
        'Ubuntu has Firefox only as a snap. Install it otherwise and name it in OMNEMO_FIREFOX.',
      );
    missing.push('firefox-esr');
  }
  if (needs.server && !hasProgram('prosody')) missing.push('prosody');
  if (needs.server && !hasProgram('ejabberdctl')) missing.push('ejabberd');
  if (needs.server && !hasProgram('openssl')) missing.push('openssl');
  if (needs.peers) missing.push(...PEERS.filter((name) => !isInstalled(name)));
  if (needs.libraries) {
    missing.push(...LIBRARIES.filter((name) => !isInstalled(name)));
    if (!hasProgram('javac')) missing.push('default-jdk-headless');
    if (!hasProgram('mvn')) missing.push('maven');
  }
  if (needs.rivals) missing.push(...RIVALS.filter((name) => !isInstalled(name)));
  return [...new Set(missing)];
}

function installDebian(missing) {
  if (missing.length === 0) return;
  const isRoot = process.getuid?.() === 0;
  const command = (prefix) =>
    `${prefix}apt-get update && ${prefix}apt-get install ${missing.join(' ')}`;
  if (!hasProgram('apt-get'))
    stop(`Missing on this machine: ${missing.join(', ')} (names of the Debian packages).`);
  if (!isRoot && !succeeds('sudo', ['-n', 'true']))
    stop(`Missing on this machine: ${missing.join(', ')}. Run\n    ${command('sudo ')}`);
  const asRoot = isRoot ? [] : ['sudo', '-n'];
  const apt = (...args) => {
    const [first, ...rest] = [
      ...asRoot,
      ...['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args],
    ];
    if (!perform(first, rest)) stop(`apt-get failed. Run\n    ${command(isRoot ? '' : 'sudo ')}`);
  };
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...missing);
  // These packages start a public server; the tests start their own on loopback.
  const servers = ['prosody', 'ejabberd'].filter((name) => missing.includes(name));
  if (servers.length > 0 && existsSync('/run/systemd/system')) {
    const [first, ...rest] = [...asRoot, 'systemctl', 'disable', '--now', ...servers];
    perform(first, rest);
  }
}

function installPythonPeers() {
  const failed = makePythonPeers();
  if (failed !== undefined) stop(`Installing a client from PyPI failed: ${failed}`);
}

function installRivals() {
  const failed = makeNpmRivals();
  if (failed !== undefined) stop(`Installing what we measure against failed: ${failed}`);
}

/** `needs`: any of browser, firefox, server, peers, libraries, rivals. */
export function setup(needs = {}) {
  checkNode();
  installPackages();
  installDebian(missingPackages(needs));
  if (needs.peers) installPythonPeers();
  if (needs.rivals) installRivals();
}
