#include "verbs/rejects_file.h"

#include <fmt/format.h>

namespace cairn::verbs {

Result<void> RejectsFile::open() {
  CAIRN_TRY_ASSIGN(writer_, files_.append(kRejectsOption, path_));
  output_ =
      std::make_unique<Output>([this](std::string_view bytes) { return writer_->write(bytes); });
  return {};
}

Result<void> RejectsFile::add(const Refusal& refusal) {
  output_->line(rejected_line(refusal));
  return output_->closed() ? output_->flush() : Result<void>();
}

Result<void> RejectsFile::finish() {
  CAIRN_TRY(output_->flush());
  return writer_->finish();
}

std::string refusal_text(const Refusal& refusal) {
  std::string place = fmt::format("{}:{}", refusal.file, refusal.line);
  if (refusal.error.position) place += fmt::format(":{}", *refusal.error.position + 1);
  return fmt::format("{}: refused: {}", place, refusal.error.message);
}

}  // namespace cairn::verbs
