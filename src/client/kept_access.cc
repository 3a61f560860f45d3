#include "client/kept_access.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace cairn::client {

namespace fs = std::filesystem;

// The log's files grow with every record, and others are there after a retention. The index changes
// without anything new to see.
KeptAccess::Marks KeptAccess::look() const {
  Marks marks;
  std::error_code error;
  for (auto entry = fs::directory_iterator(fs::path(directory_) / "log", error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    const uint64_t size = entry->file_size(gone);
    if (!gone) marks.emplace_back(entry->path().filename().string(), size);
  }
  std::sort(marks.begin(), marks.end());
  return marks;
}

Result<std::shared_ptr<const engine::Store>> KeptAccess::open(const std::string& store) {
  if (store != directory_) return others_.open(store);
  Marks now = look();
  if (kept_ && now == seen_) return kept_;
  kept_.reset();
  // Looked at before it is opened: what comes meanwhile opens it once more.
  CAIRN_TRY_ASSIGN(kept_, others_.open(store));
  seen_ = std::move(now);
  return kept_;
}

Result<std::shared_ptr<const engine::Store>> KeptAccess::open_as_of(
    const std::string& store, const engine::AsOf& moment, const engine::Progress& progress) {
  if (store != directory_) return others_.open_as_of(store, moment, progress);
  CAIRN_TRY_ASSIGN(const auto present, open(store));
  CAIRN_TRY_ASSIGN(auto past, present->as_of(moment, progress));
  return std::shared_ptr<const engine::Store>(std::move(past));
}

Result<verbs::Writing> KeptAccess::open_writing(const std::string& store,
                                                const verbs::WritingOptions& options,
                                                engine::OpenReport& report) {
  if (store == directory_) let_go();
  return others_.open_writing(store, options, report);
}

Result<void> KeptAccess::read_log(
    const std::string& store, Lsn from,
    const std::function<Result<void>(Lsn, const model::Record&)>& fn) {
  return others_.read_log(store, from, fn);
}

}  // namespace cairn::client
