// Package oversize keeps values within the limits of a line. It measures a value before it is
// encoded and cuts the parts that do not fit, so that a large value never costs the whole entity.
//
// The policy, for JSON over a limit, until it fits:
//
//  1. base64 and data: values over 1 KiB become a short text with type, size and hash,
//     oldest first;
//  2. the longest texts keep their first and last 32 KiB, longest first; the newest four
//     messages, system messages and parameters are spared;
//  3. the oldest messages after the system messages become one message with their number;
//  4. the texts spared in step 2 are cut in the same way;
//  5. lists and objects with very many members lose members, the smallest stay.
//
// The order follows a reader's loss: base64 cannot be read anyway, the ends of a text show most of
// it, and the newest messages explain the model's answer.
//
// Each cut is described by a [Cut], which goes into the metadata of the entity under [Key].
//
// All functions are pure and safe for concurrent use.
package oversize
