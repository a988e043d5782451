// Package oversize keeps values within the limits of a line: it measures a value before
// anything of it is encoded, and cuts what does not fit, so that one large value never
// costs the entity that it belongs to.
//
// The policy, for JSON over a limit, until it fits:
//
//  1. base64 and data: values over 1 KiB become a short text with type, size and hash,
//     oldest first;
//  2. the longest texts keep their first and last 32 KiB, longest first; the newest four
//     messages, system messages and parameters are spared;
//  3. the oldest messages behind the system messages become one message that says how
//     many they were;
//  4. what was spared in 2 is cut in the same way;
//  5. lists and objects of very many members lose members, the smallest stay.
//
// What was cut is listed in a [Cut] each, which goes into the metadata of the entity
// under [Key].
//
// All functions are pure and safe for concurrent use.
package oversize
