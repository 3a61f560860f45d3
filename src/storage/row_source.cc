#include "storage/row_source.h"

#include <string>
#include <utility>

namespace cairn::storage {
namespace {

// Asks for all of a page once a scan comes to it: rows lie in it in no order that the processor
// would foresee.
class PageAhead {
 public:
  void at(const std::byte* row) {
    const std::byte* page = row - reinterpret_cast<uintptr_t>(row) % kPageBytes;
    if (std::exchange(page_, page) == page) return;
    for (size_t i = 0; i < kPageBytes; i += kLineBytes) __builtin_prefetch(page + i);
  }

 private:
  static constexpr size_t kPageBytes = 4096;
  static constexpr size_t kLineBytes = 64;
  const std::byte* page_ = nullptr;
};

}  // namespace

Error damaged_key(std::string_view table) {
  return make_error(ErrorCode::Corruption, "checkpoint: a key of table " + std::string(table) +
                                               " has a wrong size; rebuild the index from the log");
}

Result<void> NewestRows::scan(Table table, const Take& fn) const {
  Result<void> result;
  PageAhead ahead;
  CAIRN_TRY(txn_->scan(table, {}, {}, [&](std::string_view key, std::span<const std::byte> value) {
    ahead.at(value.data());
    result = fn(key, value);
    return result.ok();
  }));
  return result;
}

Result<uint64_t> NewestRows::entries(Table table) const { return txn_->entries(table); }

std::unique_ptr<RowSource> NewestRows::twin() const {
  auto other = txn_->twin();
  if (!other) return nullptr;
  return std::make_unique<NewestRows>(std::move(other));
}

}  // namespace cairn::storage
