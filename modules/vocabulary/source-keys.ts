/**
 * What a grant on the key of a source lets the forensic workflow do: restore and copy a snapshot that was shared as it is, and
 * see the key. Whoever makes it by a grant of its own can give no more than that grant has, so both use this list.
 */
export const SOURCE_KEY_OPERATIONS = ['CreateGrant', 'Decrypt', 'DescribeKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom'] as const;

/** Name of such a grant: one an instance and case, so that asking twice gives one grant, and an undo finds it without its id. */
export const SOURCE_GRANT_NAME = /^cleanroom-i-[0-9a-f]{8,17}-[0-9a-f]{16}$/;
