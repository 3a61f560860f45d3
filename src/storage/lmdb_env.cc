#include "storage/lmdb_env.h"

#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>

#include "storage/lmdb_file.h"

namespace cairn::storage {
namespace {

// By Table. Part of the index format.
constexpr std::array<const char*, kTableCount> kTableNames = {
    "meta",     "fields",       "value_ids", "values", "segments",     "projects", "types",
    "groups",   "fingerprints", "activity",  "keys",   "frames",       "care",     "held",
    "releases", "experiments",  "undo",      "alerts", "alert_windows"};

// Where retries with less address space end. Less is of no use.
constexpr uint64_t kMinMapBytes = 1ull << 30;

constexpr unsigned kFileMode = 0640;

// Directories open in this process. LMDB's file locks belong to the process: a second open of the
// same environment would silently drop the locks of the first when it closes, so it has to be
// refused process-wide, and that needs the one global of this layer. Directories are told apart
// by device and inode, as one has many paths.
class OpenDirectories {
 public:
  using Id = std::pair<dev_t, ino_t>;
  bool add(Id id) {
    const std::lock_guard lock(mutex_);
    return open_.insert(id).second;
  }
  void remove(Id id) {
    const std::lock_guard lock(mutex_);
    open_.erase(id);
  }
  static OpenDirectories& instance() {
    static OpenDirectories directories;
    return directories;
  }

 private:
  std::mutex mutex_;
  std::set<Id> open_;
};

MDB_val to_val(std::string_view bytes) {
  // LMDB takes void* for what it only reads.
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

std::span<const std::byte> to_span(const MDB_val& value) {
  return {static_cast<const std::byte*>(value.mv_data), value.mv_size};
}

std::string_view to_chars(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

Error env_error(int rc, std::string_view doing, const std::string& directory) {
  const std::string place = fmt::format("{}: index in {}", doing, directory);
  switch (rc) {
    case MDB_MAP_FULL:
      return make_error(ErrorCode::Exhausted,
                        place +
                            ": its address space is used up; close it and open it again with "
                            "more map_bytes (and a higher 'ulimit -v')");
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return make_error(ErrorCode::Exhausted, place + ": disk full; free some space");
    case EIO:  // also how LMDB answers to a write that was cut short
      return make_error(ErrorCode::Io, place +
                                           ": the disk is full or fails; free some space, or see "
                                           "the system's log");
    case ENOMEM:
      return make_error(ErrorCode::Exhausted,
                        place + ": the system gives no memory; see 'ulimit -v'");
    case MDB_READERS_FULL:
      return make_error(ErrorCode::Exhausted,
                        place +
                            ": every reader slot is taken; close snapshots, end processes "
                            "that hold them, or open it with more max_readers");
    case MDB_TXN_FULL:
      return make_error(ErrorCode::Exhausted, place + ": one transaction changes too many pages");
    case MDB_MAP_RESIZED:
      return make_error(ErrorCode::Exhausted,
                        place +
                            ": another process made it larger than this one has mapped; close "
                            "all snapshots and try again");
    case MDB_INVALID:
      return make_error(ErrorCode::Corruption, place + ": data.mdb is not an LMDB file");
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
      return make_error(ErrorCode::Corruption,
                        place + ": data.mdb is damaged; rebuild the index from the log");
    case MDB_VERSION_MISMATCH:
      return make_error(ErrorCode::Unsupported,
                        place +
                            ": data.mdb was written by another version of LMDB; rebuild the "
                            "index from the log");
    case MDB_BAD_VALSIZE:
    case MDB_BAD_TXN:
    case MDB_BAD_DBI:
    case MDB_KEYEXIST:
      return make_error(ErrorCode::Internal, fmt::format("{}: {}", place, mdb_strerror(rc)));
    default:
      return make_error(ErrorCode::Io, fmt::format("{}: {}", place, mdb_strerror(rc)));
  }
}

Result<OpenDirectories::Id> directory_id(const std::string& directory) {
  struct stat st {};
  if (::stat(directory.c_str(), &st) != 0) return env_error(errno, "stat", directory);
  return OpenDirectories::Id{st.st_dev, st.st_ino};
}

Result<void> prepare_directory(const std::string& directory, bool read_only) {
  if (read_only) {
    struct stat st {};
    if (::stat((directory + "/data.mdb").c_str(), &st) == 0) return {};
    if (errno != ENOENT && errno != ENOTDIR) return env_error(errno, "stat", directory);
    return make_error(ErrorCode::NotFound, fmt::format("the index in {} is missing", directory));
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return env_error(error.value(), "make directory", directory);
  return {};
}

// Opens with as much address space as the process may have (ulimit -v, sanitizers).
Result<MDB_env*> open_env(const std::string& directory, const IndexOptions& options) {
  const unsigned flags = MDB_NOTLS | (options.read_only ? MDB_RDONLY : 0u);
  for (uint64_t map = options.map_bytes;; map /= 2) {
    MDB_env* env = nullptr;
    int rc = mdb_env_create(&env);
    if (rc != 0) return env_error(rc, "create", directory);
    rc = mdb_env_set_maxdbs(env, kTableCount);
    if (rc == 0) rc = mdb_env_set_maxreaders(env, options.max_readers);
    if (rc == 0) rc = mdb_env_set_mapsize(env, map);
    if (rc == 0) rc = mdb_env_open(env, directory.c_str(), flags, kFileMode);
    if (rc == 0) return env;
    mdb_env_close(env);  // due after a failed open, too
    // EINVAL: how valgrind answers to a map it has no room for.
    if ((rc != ENOMEM && rc != EINVAL) || map / 2 < kMinMapBytes)
      return env_error(rc, "open", directory);
  }
}

size_t index_of(Table table) { return static_cast<size_t>(table); }

int count_reader_line(const char*, void* count) {
  ++*static_cast<int*>(count);
  return 0;
}

}  // namespace

struct LmdbEnv::Impl {
  ~Impl() {
    if (env != nullptr) mdb_env_close(env);
    if (registered) OpenDirectories::instance().remove(id);
  }
  // An LMDB code. Slots of dead processes are freed when no other is left.
  int begin(unsigned flags, MDB_txn** txn) {
    int rc = mdb_txn_begin(env, nullptr, flags, txn);
    int dead = 0;
    if (rc == MDB_READERS_FULL && mdb_reader_check(env, &dead) == 0 && dead > 0) {
      rc = mdb_txn_begin(env, nullptr, flags, txn);
    }
    return rc;
  }

  std::string directory;
  OpenDirectories::Id id{};
  bool registered = false;
  bool read_only = false;
  uint64_t staged_bytes = 0;
  MDB_env* env = nullptr;
  std::array<MDB_dbi, kTableCount> tables{};
  // Guards open_reads, and keeps the map from moving while a read begins.
  std::mutex mutex;
  int open_reads = 0;
};

LmdbEnv::LmdbEnv(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LmdbEnv::~LmdbEnv() = default;

namespace {

Result<void> open_tables(MDB_env* env, const std::string& directory, bool read_only,
                         std::array<MDB_dbi, kTableCount>& tables) {
  MDB_txn* txn = nullptr;
  int rc = mdb_txn_begin(env, nullptr, read_only ? MDB_RDONLY : 0u, &txn);
  if (rc != 0) return env_error(rc, "open tables", directory);
  size_t opened = 0;
  while (opened < tables.size()) {
    rc = mdb_dbi_open(txn, kTableNames[opened], read_only ? 0u : MDB_CREATE, &tables[opened]);
    if (rc != 0) break;
    ++opened;
  }
  if (rc != 0) {
    mdb_txn_abort(txn);
    if (rc == MDB_NOTFOUND && opened > 0) {
      return make_error(ErrorCode::Unsupported,
                        fmt::format("the index in {} has no table '{}': another version of cairn "
                                    "made it; make it anew from the log with 'cairn rebuild'",
                                    directory, kTableNames[opened]));
    }
    if (rc == MDB_NOTFOUND) {
      return make_error(
          ErrorCode::NotFound,
          fmt::format("the index in {} is missing (its file has no tables yet)", directory));
    }
    return env_error(rc, "open tables", directory);
  }
  // Commit, even of a read transaction, is what makes table handles last.
  rc = mdb_txn_commit(txn);
  if (rc != 0) return env_error(rc, "open tables", directory);
  if (!read_only) extend_file(env);
  return {};
}

}  // namespace

Result<std::unique_ptr<LmdbEnv>> LmdbEnv::open(const std::string& directory,
                                               const IndexOptions& options) {
  CAIRN_TRY(prepare_directory(directory, options.read_only));
  CAIRN_TRY_ASSIGN(const OpenDirectories::Id id, directory_id(directory));
  if (!OpenDirectories::instance().add(id)) {
    return make_error(ErrorCode::Conflict,
                      fmt::format("the index in {} is already open in this process", directory));
  }
  auto impl = std::make_unique<Impl>();
  impl->directory = directory;
  impl->id = id;
  impl->registered = true;
  impl->read_only = options.read_only;
  impl->staged_bytes = options.staged_bytes;
  CAIRN_TRY_ASSIGN(impl->env, open_env(directory, options));
  CAIRN_TRY(check_file_size(impl->env, directory, options.read_only));
  CAIRN_TRY(open_tables(impl->env, directory, options.read_only, impl->tables));
  std::unique_ptr<LmdbEnv> env(new LmdbEnv(std::move(impl)));
  CAIRN_TRY_ASSIGN([[maybe_unused]] const int freed, env->clear_stale_readers());
  return env;
}

Result<int> LmdbEnv::clear_stale_readers() {
  int dead = 0;
  const int rc = mdb_reader_check(impl_->env, &dead);
  if (rc != 0) return env_error(rc, "clear stale readers", impl_->directory);
  return dead;
}

const std::string& LmdbEnv::directory() const { return impl_->directory; }
uint64_t LmdbEnv::staged_bytes() const { return impl_->staged_bytes; }

Result<LmdbEnv::Info> LmdbEnv::info() const {
  MDB_envinfo env_info{};
  int rc = mdb_env_info(impl_->env, &env_info);
  if (rc != 0) return env_error(rc, "info", impl_->directory);
  Info info;
  info.map_bytes = env_info.me_mapsize;
  info.max_readers = env_info.me_maxreaders;
  // One line for each taken slot, below a title line, or one line that says there are none.
  int lines = 0;
  mdb_reader_list(impl_->env, count_reader_line, &lines);
  info.readers = lines > 1 ? static_cast<uint32_t>(lines - 1) : 0;

  struct stat st {};
  if (::stat((impl_->directory + "/data.mdb").c_str(), &st) != 0) {
    return env_error(errno, "stat data.mdb", impl_->directory);
  }
  info.file_bytes = static_cast<uint64_t>(st.st_size);

  // A const function of the environment still has to begin a transaction on it.
  CAIRN_TRY_ASSIGN(const auto txn, ReadTxn::begin(const_cast<LmdbEnv&>(*this)));
  uint64_t pages = 2;  // the meta pages
  constexpr MDB_dbi kFreeList = 0, kMain = 1;
  const auto add = [&](MDB_dbi table, MDB_stat& stat) {
    rc = mdb_stat(txn->txn_, table, &stat);
    pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
    info.used_bytes = pages * stat.ms_psize;
    return rc == 0;
  };
  MDB_stat stat{};
  bool ok = add(kFreeList, stat) && add(kMain, stat);
  for (size_t i = 0; i < impl_->tables.size() && ok; ++i) {
    const uint64_t before = info.used_bytes;
    ok = add(impl_->tables[i], stat);
    info.tables.push_back({kTableNames[i], stat.ms_entries, info.used_bytes - before});
  }
  if (!ok) return env_error(rc, "info", impl_->directory);
  const uint64_t taken = (env_info.me_last_pgno + 1) * stat.ms_psize;
  info.free_bytes = taken > info.used_bytes ? taken - info.used_bytes : 0;
  return info;
}

Result<void> LmdbEnv::copy_compact(const std::string& directory) const {
  const int rc = mdb_env_copy2(impl_->env, directory.c_str(), MDB_CP_COMPACT);
  if (rc != 0) return env_error(rc, "copy to " + directory, impl_->directory);
  return {};
}

// --- ReadTxn -----------------------------------------------------------------------------------

Result<std::unique_ptr<ReadTxn>> ReadTxn::begin(LmdbEnv& env) {
  LmdbEnv::Impl& impl = *env.impl_;
  const std::lock_guard lock(impl.mutex);
  MDB_txn* handle = nullptr;
  int rc = impl.begin(MDB_RDONLY, &handle);
  if (rc == MDB_MAP_RESIZED && impl.open_reads == 0) {
    // Moves the map: LMDB would unmap it under open readers and still report success.
    rc = mdb_env_set_mapsize(impl.env, 0);
    if (rc == 0) rc = impl.begin(MDB_RDONLY, &handle);
  }
  if (rc != 0) return env_error(rc, "begin reading", impl.directory);
  std::unique_ptr<ReadTxn> txn(new ReadTxn(env, handle));
  ++impl.open_reads;
  return txn;
}

std::unique_ptr<ReadTxn> ReadTxn::twin() const {
  auto other = begin(env_);
  if (!other.ok() || mdb_txn_id((*other)->txn_) != mdb_txn_id(txn_)) return nullptr;
  return std::move(other).value();
}

ReadTxn::~ReadTxn() {
  mdb_txn_abort(txn_);
  const std::lock_guard lock(env_.impl_->mutex);
  --env_.impl_->open_reads;
}

namespace {

using Value = std::optional<std::span<const std::byte>>;

Result<Value> get_value(MDB_txn* txn, MDB_dbi table, std::string_view key,
                        const std::string& directory) {
  MDB_val k = to_val(key), v{};
  const int rc = mdb_get(txn, table, &k, &v);
  if (rc == MDB_NOTFOUND) return Value{};
  if (rc != 0) return env_error(rc, "read", directory);
  return Value{to_span(v)};
}

class Cursor {
 public:
  ~Cursor() {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  }
  Cursor() = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  int open(MDB_txn* txn, MDB_dbi table) { return mdb_cursor_open(txn, table, &cursor_); }
  int get(MDB_cursor_op op) { return mdb_cursor_get(cursor_, &key, &value, op); }

  MDB_val key{}, value{};

 private:
  MDB_cursor* cursor_ = nullptr;
};

}  // namespace

Result<Value> ReadTxn::get(Table table, std::string_view key) const {
  return get_value(txn_, env_.impl_->tables[index_of(table)], key, env_.directory());
}

Result<void> ReadTxn::scan_impl(Table table, std::string_view from, std::string_view prefix,
                                void* fn,
                                bool (*call)(void*, std::string_view,
                                             std::span<const std::byte>)) const {
  Cursor cursor;
  int rc = cursor.open(txn_, env_.impl_->tables[index_of(table)]);
  if (rc != 0) return env_error(rc, "scan", env_.directory());
  cursor.key = to_val(from);
  rc = cursor.get(from.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (rc == 0) {
    const std::string_view key = to_chars(cursor.key);
    if (!key.starts_with(prefix)) return {};
    if (!call(fn, key, to_span(cursor.value))) return {};
    rc = cursor.get(MDB_NEXT);
  }
  if (rc != MDB_NOTFOUND) return env_error(rc, "scan", env_.directory());
  return {};
}

Result<std::optional<ReadTxn::Entry>> ReadTxn::floor(Table table, std::string_view key) const {
  Cursor cursor;
  int rc = cursor.open(txn_, env_.impl_->tables[index_of(table)]);
  if (rc != 0) return env_error(rc, "seek", env_.directory());
  cursor.key = to_val(key);
  rc = cursor.get(MDB_SET_RANGE);
  if (rc == MDB_NOTFOUND) {
    rc = cursor.get(MDB_LAST);
  } else if (rc == 0 && to_chars(cursor.key) != key) {
    rc = cursor.get(MDB_PREV);
  }
  if (rc == MDB_NOTFOUND) return std::optional<Entry>{};
  if (rc != 0) return env_error(rc, "seek", env_.directory());
  return std::optional<Entry>{Entry{to_chars(cursor.key), to_span(cursor.value)}};
}

Result<uint64_t> ReadTxn::entries(Table table) const {
  MDB_stat stat{};
  const int rc = mdb_stat(txn_, env_.impl_->tables[index_of(table)], &stat);
  if (rc != 0) return env_error(rc, "count", env_.directory());
  return static_cast<uint64_t>(stat.ms_entries);
}

// --- WriteTxn ----------------------------------------------------------------------------------

Result<std::unique_ptr<WriteTxn>> WriteTxn::begin(LmdbEnv& env) {
  if (env.impl_->read_only) {
    return make_error(ErrorCode::Conflict,
                      fmt::format("the index in {} is open read-only", env.directory()));
  }
  // May wait for a writer in another process, so impl_->mutex is not held: reads go on.
  MDB_txn* handle = nullptr;
  int rc = env.impl_->begin(0, &handle);
  if (rc == MDB_MAP_RESIZED) {
    CAIRN_TRY(ReadTxn::begin(env));  // which adopts the larger map
    rc = env.impl_->begin(0, &handle);
  }
  if (rc != 0) return env_error(rc, "begin writing", env.directory());
  return std::unique_ptr<WriteTxn>(new WriteTxn(env, handle));
}

WriteTxn::~WriteTxn() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

Result<void> WriteTxn::write(Table table, std::string_view key, MDB_val& value, unsigned flags) {
  CAIRN_ASSERT(txn_ != nullptr);
  MDB_val k = to_val(key);
  const int rc = mdb_put(txn_, env_.impl_->tables[index_of(table)], &k, &value, flags);
  if (rc != 0) return env_error(rc, "write", env_.directory());
  bytes_written_ += key.size() + value.mv_size;
  return {};
}

Result<void> WriteTxn::put(Table table, std::string_view key, std::span<const std::byte> value) {
  MDB_val v{value.size(), const_cast<std::byte*>(value.data())};
  return write(table, key, v, 0);
}

Result<void> WriteTxn::put(Table table, std::string_view key, std::string_view value) {
  MDB_val v = to_val(value);
  return write(table, key, v, 0);
}

Result<void> WriteTxn::append(Table table, std::string_view key, std::span<const std::byte> value) {
  MDB_val v{value.size(), const_cast<std::byte*>(value.data())};
  return write(table, key, v, MDB_APPEND);
}

Result<std::span<std::byte>> WriteTxn::reserve(Table table, std::string_view key, size_t bytes) {
  MDB_val v{bytes, nullptr};
  CAIRN_TRY(write(table, key, v, MDB_RESERVE));
  return std::span<std::byte>(static_cast<std::byte*>(v.mv_data), v.mv_size);
}

Result<void> WriteTxn::erase(Table table, std::string_view key) {
  CAIRN_ASSERT(txn_ != nullptr);
  MDB_val k = to_val(key);
  const int rc = mdb_del(txn_, env_.impl_->tables[index_of(table)], &k, nullptr);
  if (rc != 0 && rc != MDB_NOTFOUND) return env_error(rc, "erase", env_.directory());
  return {};
}

Result<Value> WriteTxn::get(Table table, std::string_view key) const {
  CAIRN_ASSERT(txn_ != nullptr);
  return get_value(txn_, env_.impl_->tables[index_of(table)], key, env_.directory());
}

Result<void> WriteTxn::commit() {
  CAIRN_ASSERT(txn_ != nullptr);
  // LMDB frees the transaction whatever the outcome.
  const int rc = mdb_txn_commit(std::exchange(txn_, nullptr));
  if (rc != 0) return env_error(rc, "commit", env_.directory());
  extend_file(env_.impl_->env);
  return {};
}

}  // namespace cairn::storage
