// Device lists, which both versions write alike: `<list|devices><device id/>…`. Only the names and the range of ids differ.
import { build, elementOf } from '../../xml/build';
import { append, childOf, childrenOf } from '../../xml/element';
import { requireName, uint32 } from './elements';

/** What differs between the versions. */
export interface ListForm {
  readonly name: string;
  readonly ns: string;
  isId(id: number): boolean;
}

/** The `<device/>` elements of a list in order. @throws StanzaError `malformed` if it is another element. */
export function devicesIn(list: Element, { name, ns }: ListForm): Element[] {
  requireName(list, name, ns);
  return childrenOf(list, 'device', ns);
}

/** The id of a `<device/>`, if it is one of this version. */
export function idOf(device: Element, { isId }: ListForm): number | undefined {
  const id = uint32(device.getAttribute('id'));
  return id !== undefined && isId(id) ? id : undefined;
}

/** Ids in order, each once; entries that are no id are left out. */
export function readList(list: Element, form: ListForm): number[] {
  const ids = devicesIn(list, form).map((device) => idOf(device, form));
  return [...new Set(ids.filter((id) => id !== undefined))];
}

/** The list with our id in it, without anything else about us; the entries of others stay as they are. */
export function writeList(
  existing: Element | undefined,
  ownDeviceId: number,
  form: ListForm,
): Element {
  const { name, ns } = form;
  const list = elementOf(build(name, { xmlns: ns }));
  for (const device of existing === undefined ? [] : devicesIn(existing, form)) {
    if (idOf(device, form) !== ownDeviceId) append(list, device);
  }
  const own = elementOf(build(name, { xmlns: ns }).c('device', { id: String(ownDeviceId) }));
  const device = childOf(own, 'device', ns);
  if (device === undefined) throw new TypeError('list: want a device');
  append(list, device);
  return list;
}
