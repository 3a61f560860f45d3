// How long data.mdb has to be. LMDB maps more than the file holds, and a page it looks for beyond
// the end kills the process (SIGBUS), so a file that was cut short must be found out on opening.
//
// LMDB does not write pages that a transaction takes at the end of the file and frees again, so a
// good file may end early. Every commit extends it to the last page; that makes the check exact.
//
// Stateless. Thread: any; takes LMDB's writer lock when the file is short and may be written.
#pragma once

#include <string>

#include "base/result.h"

struct MDB_env;

namespace cairn::storage {

// Before any page but the meta pages is read. Corruption: pages are missing. Io.
// Missing pages that are all free (the process died between a commit and its extend_file) are
// supplied, unless read_only.
Result<void> check_file_size(MDB_env* env, const std::string& directory, bool read_only);

// After each commit. Never shortens the file. Failure is no error: the commit is durable, and the
// next check_file_size that may write makes up for it.
void extend_file(MDB_env* env);

}  // namespace cairn::storage
