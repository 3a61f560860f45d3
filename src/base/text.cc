#include "base/text.h"

#include <cstring>
#include <new>

#include "base/assert.h"

namespace cairn {

Text::Text(std::string_view text) {
  if (text.empty()) return;
  CAIRN_ASSERT(text.size() <= UINT32_MAX);
  block_ = new (::operator new(sizeof(Block) + text.size())) Block;
  block_->size = static_cast<uint32_t>(text.size());
  std::memcpy(bytes(), text.data(), text.size());
}

void Text::release() {
  if (block_->uses.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  block_->~Block();
  ::operator delete(block_);
}

}  // namespace cairn
