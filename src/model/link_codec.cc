// Layout: model/link_codec.h.
#include "model/link_codec.h"

#include "model/occurrence_columns.h"

namespace cairn::model {
namespace {

uint64_t zigzag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// The next number of a group, told as the difference to the one before. False: it is none.
bool read_number(ColumnReader& in, uint32_t before, uint32_t& out) {
  const int64_t number = static_cast<int64_t>(before) + unzigzag(in.number());
  if (number < 1 || number > UINT32_MAX) return false;
  out = static_cast<uint32_t>(number);
  return true;
}

}  // namespace

template <class Links>
std::string pack_links(const Links& links) {
  ByteColumn out;
  out.number(links.size());
  uint32_t view = 0;
  const auto difference = [&out](uint32_t before, uint32_t number) {
    out.number(zigzag(static_cast<int64_t>(number) - static_cast<int64_t>(before)));
  };
  for (const auto& link : links) {
    out.number(raw(link.project));
    difference(view, link.primary);
    view = link.primary;
    out.number(link.children.size());
    uint32_t before = view;
    for (const uint32_t child : link.children) {
      difference(before, child);
      before = child;
    }
  }
  return std::string(out.view());
}

template <class Links>
bool unpack_links(std::string_view bytes, Links& links) {
  links.clear();
  ColumnReader in(bytes);
  const uint64_t count = in.number();
  // Every entry takes four bytes at least, so that no count makes us take more than it brings.
  if (count > bytes.size() / 4) return false;
  links.resize(count);
  uint64_t groups = 0;
  uint32_t view = 0;
  for (auto& link : links) {
    link.project = ProjectId{in.number()};
    if (!read_number(in, view, link.primary)) return false;
    view = link.primary;
    const uint64_t children = in.number();
    groups += children;
    if (children == 0 || children > in.remaining() || groups > kMaxRegroupedGroups) return false;
    link.children.resize(children);
    uint32_t before = view;
    for (uint32_t& child : link.children) {
      if (!read_number(in, before, child)) return false;
      before = child;
    }
  }
  return in.done();
}

template std::string pack_links(const std::vector<Merged>&);
template std::string pack_links(const std::vector<Unmerged>&);
template bool unpack_links(std::string_view, std::vector<Merged>&);
template bool unpack_links(std::string_view, std::vector<Unmerged>&);

}  // namespace cairn::model
