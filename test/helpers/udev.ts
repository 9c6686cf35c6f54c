export { ensureUdev, settleUdev, stopUdev } from '../../scripts/lab/udev.ts';
