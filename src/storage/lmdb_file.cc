#include "storage/lmdb_file.h"

#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>

namespace cairn::storage {
namespace {

// For another process between its commit and its extending of the file. Who may write waits for
// the writer lock instead.
constexpr auto kGrace = std::chrono::milliseconds(100);

constexpr MDB_dbi kFreeList = 0;

struct Size {
  uint64_t page = 0;
  uint64_t file = 0;
  uint64_t needed = 0;  // to the end of the last page in use or free
  bool is_short() const { return file < needed; }
};

// An LMDB or errno code. The file is measured last: it only grows.
int measure(MDB_env* env, Size& size) {
  MDB_envinfo info{};
  MDB_stat main{};
  mdb_filehandle_t fd = -1;
  int rc = mdb_env_info(env, &info);
  if (rc == 0) rc = mdb_env_stat(env, &main);
  if (rc == 0) rc = mdb_env_get_fd(env, &fd);
  if (rc != 0) return rc;
  struct stat st {};
  if (::fstat(fd, &st) != 0) return errno;
  size.page = main.ms_psize;
  size.file = static_cast<uint64_t>(st.st_size);
  size.needed = (static_cast<uint64_t>(info.me_last_pgno) + 1) * size.page;
  return 0;
}

int resize(MDB_env* env, uint64_t bytes) {
  mdb_filehandle_t fd = -1;
  const int rc = mdb_env_get_fd(env, &fd);
  if (rc != 0) return rc;
  return ::ftruncate(fd, static_cast<off_t>(bytes)) == 0 && ::fdatasync(fd) == 0 ? 0 : errno;
}

struct EndTxn {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
using Txn = std::unique_ptr<MDB_txn, EndTxn>;

int begin(MDB_env* env, unsigned flags, Txn& txn) {
  MDB_txn* handle = nullptr;
  const int rc = mdb_txn_begin(env, nullptr, flags, &handle);
  if (rc == 0) txn.reset(handle);
  return rc;
}

// How many of the free pages are `first` or beyond, counted up to `enough`. A lost part of the list
// reads as zeros, which are no pages, so it can only make the count too small.
//
// The list's keys are numbers of transactions. Each is asked for by itself, newest first, with a
// cursor as new: stepping from a leaf to one of zeros would end in an assertion of LMDB's.
int count_free_from(MDB_env* env, uint64_t first, uint64_t enough, uint64_t& count) {
  Txn txn;
  int rc = begin(env, MDB_RDONLY, txn);
  MDB_stat list{};
  if (rc == 0) rc = mdb_stat(txn.get(), kFreeList, &list);
  MDB_cursor* handle = nullptr;
  if (rc == 0) rc = mdb_cursor_open(txn.get(), kFreeList, &handle);
  if (rc != 0) return rc;
  const std::unique_ptr<MDB_cursor, decltype(&mdb_cursor_close)> cursor(handle, mdb_cursor_close);
  size_t entries = list.ms_entries;
  for (size_t id = mdb_txn_id(txn.get()); id > 0 && entries > 0 && count < enough; --id) {
    MDB_val key{sizeof id, &id}, value{};
    rc = mdb_cursor_renew(txn.get(), handle);
    if (rc == 0) rc = mdb_cursor_get(handle, &key, &value, MDB_SET);
    if (rc == MDB_NOTFOUND) continue;
    if (rc != 0) return rc;
    --entries;
    // A value is a count and as many page numbers, each a size_t.
    const auto word = [&](size_t i) {
      size_t number = 0;
      std::memcpy(&number, static_cast<const char*>(value.mv_data) + i * sizeof number,
                  sizeof number);
      return number;
    };
    const size_t words = value.mv_size / sizeof(size_t);
    if (words == 0 || word(0) >= words) return MDB_CORRUPTED;
    for (size_t i = 1; i <= word(0); ++i) count += word(i) >= first ? 1 : 0;
  }
  return 0;
}

// Under the writer lock. Zeros stand in for the missing pages while the free list is read; they
// are taken away again when one of them was in use, so that every later open sees it, too.
bool supply_free_pages(MDB_env* env, const Size& size) {
  if (size.file % size.page != 0) return false;  // LMDB writes whole pages
  if (resize(env, size.needed) != 0) return false;
  const uint64_t first = size.file / size.page;
  const uint64_t missing = size.needed / size.page - first;
  uint64_t free = 0;
  if (count_free_from(env, first, missing, free) == 0 && free == missing) return true;
  resize(env, size.file);
  return false;
}

}  // namespace

Result<void> check_file_size(MDB_env* env, const std::string& directory, bool read_only) {
  Size size;
  int rc = measure(env, size);
  if (rc == 0 && size.is_short() && read_only) {
    std::this_thread::sleep_for(kGrace);
    rc = measure(env, size);
  }
  if (rc == 0 && size.is_short() && !read_only) {
    Txn lock;
    rc = begin(env, 0, lock);
    if (rc == 0) rc = measure(env, size);
    if (rc == 0 && size.is_short() && supply_free_pages(env, size)) return {};
  }
  if (rc != 0) {
    return make_error(ErrorCode::Io,
                      fmt::format("measure {}/data.mdb: {}", directory, mdb_strerror(rc)));
  }
  if (!size.is_short()) return {};
  return make_error(ErrorCode::Corruption,
                    fmt::format("{}/data.mdb has {} bytes of {}: the index is cut short; make it "
                                "again with 'cairn rebuild'",
                                directory, size.file, size.needed));
}

void extend_file(MDB_env* env) {
  Size size;
  if (measure(env, size) != 0 || !size.is_short()) return;
  // Nobody else lengthens the file under the lock, so that this cannot shorten it.
  Txn lock;
  if (begin(env, 0, lock) != 0) return;
  if (measure(env, size) == 0 && size.is_short()) resize(env, size.needed);
}

}  // namespace cairn::storage
