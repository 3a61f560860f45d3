// A directory that stays open between verbs: read beside whoever writes, opened again when the log
// has grown, and let go while a verb of this process writes.
//
// Thread: one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "verbs/store_access.h"

namespace cairn::client {

class KeptAccess final : public verbs::StoreAccess {
 public:
  explicit KeptAccess(std::string directory) : directory_(std::move(directory)) {}

  Result<std::shared_ptr<const engine::Store>> open(const std::string& store) override;
  Result<std::shared_ptr<const engine::Store>> open_as_of(
      const std::string& store, const engine::AsOf& moment,
      const engine::Progress& progress) override;
  Result<verbs::Writing> open_writing(const std::string& store,
                                      const verbs::WritingOptions& options,
                                      engine::OpenReport& report) override;
  Result<void> read_log(const std::string& store, Lsn from,
                        const std::function<Result<void>(Lsn, const model::Record&)>& fn) override;
  bool has_files() const override { return true; }

  // Before a verb works on the files: an index is open once in a process.
  void let_go() { kept_.reset(); }

 private:
  // Name and size of the files whose growth means that something was written.
  using Marks = std::vector<std::pair<std::string, uint64_t>>;
  Marks look() const;

  const std::string directory_;
  verbs::DirectoryAccess others_;  // stores of other names, and writing
  std::shared_ptr<const engine::Store> kept_;
  Marks seen_;  // when it was opened
};

}  // namespace cairn::client
