// import, to a directory or somewhere else.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "client/caller_verbs.h"
#include "client/importer.h"

namespace cairn::client {

// Where an import goes.
class ImportTarget {
 public:
  virtual ~ImportTarget() = default;
  virtual MessageSink& sink() = 0;
  // How far the store is.
  virtual Result<Lsn> lsn() = 0;
  virtual Result<void> finish() = 0;
};

using OpenImportTarget =
    std::function<Result<std::unique_ptr<ImportTarget>>(const verbs::ImportArguments&, Context&)>;

VerbResult run_import(const verbs::ImportArguments& arguments, Context& context,
                      const OpenImportTarget& open_target);

}  // namespace cairn::client
