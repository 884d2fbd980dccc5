import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, mayUse, vacant } from '../src/screens/disks';
import type { MachineDisk } from '../src/types';

const disk = (more: Partial<MachineDisk>): MachineDisk => ({ name: 'sda', kind: 'scsi', bytes: 4e12, removable: false, phrase: 'S1', parts: [], ...more });

test('what is on a disk is said before it is erased', () => {
  assert.equal(contentOf(disk({})), 'nothing that is known');
  assert.equal(contentOf(disk({ parts: [{ name: 'sda1', fs: 'ntfs', label: 'Holiday', bytes: 1 }, { name: 'sda2', bytes: 1 }, { name: 'sda3', fs: 'vfat', bytes: 1 }] })), 'Holiday (ntfs), vfat');
});

test('only a file system for footage that nobody uses may be taken as it is', () => {
  const ext4 = [{ name: 'sda1', fs: 'ext4', bytes: 1 }];
  assert.equal(mayUse(disk({ parts: ext4 })), true);
  assert.equal(mayUse(disk({ parts: ext4, busy: 'mounted at /' })), false);
  assert.equal(mayUse(disk({ parts: ext4, working: true })), false);
  assert.equal(mayUse(disk({ parts: [{ name: 'sda1', fs: 'ntfs', bytes: 1 }] })), false);
});

test('a volume is vacant until its disk is mounted', () => {
  const mounted = disk({ volume: 'left', parts: [{ name: 'sda1', fs: 'ext4', bytes: 1, mount: '/media/left' }] });
  assert.deepEqual(vacant({ volumes: ['left', 'right'], disks: [mounted] }), ['right']);
  assert.deepEqual(vacant({ volumes: ['left'], disks: [disk({ volume: 'left', parts: [{ name: 'sda1', fs: 'ext4', bytes: 1 }] })] }), ['left']);
});
