// Postings and columns of damaged segments: refused, or safe to ask anything. Checksums are left
// out on purpose, as they would hide everything behind them.
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "storage/head.h"
#include "storage/packed_column.h"
#include "storage/segment.h"
#include "storage/segment_field.h"
#include "storage/segment_format.h"
#include "support/temp_dir.h"

using namespace cairn;

namespace {

constexpr uint32_t kRows = 9000;
constexpr FieldId kFew{1}, kMany{2}, kMixed{3};

struct Piece {
  storage::SegmentPiece kind{};
  std::vector<std::byte> payload;
};

// Fields of few values (bitsets), of many (plain ordinals) and of both kinds; columns.
std::vector<Piece> seal_pieces() {
  storage::Head head;
  for (uint32_t i = 0; i < kRows; ++i) {
    const std::pair<FieldId, ValueId> terms[] = {
        {kFew, ValueId{1 + i % 2}}, {kMany, ValueId{1 + i}}, {kMixed, ValueId{1 + i * i % 997}}};
    head.add(
        {Lsn{1 + i}, TimeUs{i * 1000}, ProjectId{1}, FingerprintId{1 + i / 100}, i * 77, terms});
  }
  testing::TempDir dir;
  const auto env = storage::LmdbEnv::open(dir.path(), {});
  testing::promise(env.ok(), "an index can be made");
  auto write = storage::WriteTxn::begin(**env);
  testing::promise(write.ok() && write_segment(**write, storage::SegmentId{1}, head).ok() &&
                       (*write)->commit().ok(),
                   "a segment can be sealed");
  const auto read = storage::ReadTxn::begin(**env);
  testing::promise(read.ok(), "a segment can be read");
  std::vector<Piece> pieces;
  const auto scanned = (*read)->scan(
      storage::Table::Segments, {}, {},
      [&](std::string_view key, std::span<const std::byte> value) {
        const auto payload = value.subspan(storage::kPieceHeaderBytes);
        pieces.push_back({static_cast<storage::SegmentPiece>(storage::key_part<uint8_t>(key, 4)),
                          {payload.begin(), payload.end()}});
        return true;
      });
  testing::promise(scanned.ok() && pieces.size() == 9, "a segment has its values");
  return pieces;
}

void use(const storage::Bitmap& bitmap) {
  bitmap.for_each([](Ordinal o) { testing::promise(o < kRows, "ordinals are below the rows"); });
}

void use(const storage::SegmentField& field) {
  storage::Bitmap any = field.any();
  use(any);
  field.for_each_value([&](ValueId value, const storage::Bitmap& bitmap) {
    use(bitmap);
    if (raw(value) % 64 == 0) any.or_with(field.posting(value));
    testing::promise(field.posting_cardinality(value) <= kRows, "cardinalities are bounded");
    return true;
  });
  any.flip(kRows);
  use(any);
}

}  // namespace

// The first byte chooses a value of the segment and how it is aligned, the rest damages it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Piece> pieces = seal_pieces();
  if (size < 1) return 0;
  const Piece& piece = pieces[data[0] % pieces.size()];
  const size_t shift = data[0] % 2 == 0 ? 0 : 1 + data[0] % 31;
  // Exactly as long as the payload, so that the sanitizer sees every byte read outside.
  constexpr std::align_val_t kAligned{storage::kBitmapAlignment};
  auto* memory = static_cast<std::byte*>(::operator new(shift + piece.payload.size(), kAligned));
  const std::span<std::byte> payload(memory + shift, piece.payload.size());
  std::memcpy(payload.data(), piece.payload.data(), payload.size());
  testing::damage(payload, data + 1, size - 1);
  if (piece.kind == storage::SegmentPiece::Field) {
    if (const auto field = storage::SegmentField::parse(payload, kRows)) use(*field);
  } else if (const auto column = storage::PackedColumn::parse(payload, kRows)) {
    volatile uint64_t sum = 0;  // volatile, so that every value is read
    for (uint32_t i = 0; i < column->size(); ++i) sum = sum + (*column)[i];
    testing::promise(column->bytes() <= payload.size(), "a column fits its bytes");
  }
  ::operator delete(memory, kAligned);
  return 0;
}
