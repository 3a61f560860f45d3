// The files that a verb is given by name: those of who asks, wherever the verb runs. A verb reads
// and writes them through here and never knows the file system of the machine it runs on.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "verbs/byte_source.h"
#include "verbs/console.h"
#include "verbs/line_source.h"

namespace cairn::verbs {

// The option that names a page to write.
inline constexpr const char* kHtmlOption = "--html";

// Resource; one thread.
class Files {
 public:
  // Takes what is written to a file; durable and closed with finish().
  class Writer {
   public:
    virtual ~Writer() = default;
    // Errors: Io, Exhausted.
    virtual Result<void> write(std::string_view bytes) = 0;
    virtual Result<void> finish() = 0;
  };

  virtual ~Files() = default;
  // Says what is wrong with a path before anything is read: NotFound, InvalidArgument (a
  // directory), Io (no permission ...). "-" is stdin.
  virtual Result<void> check_readable(const std::string& path) = 0;
  // Bytes, decompressed on the way. Errors: as check_readable().
  virtual Result<std::unique_ptr<ByteSource>> read(const std::string& path, WaitHooks hooks) = 0;
  // Whether `path`, given with `option`, may be written beside what is read. InvalidArgument: it
  // lies in the store, or is one of `inputs`.
  virtual Result<void> check_writable(const std::string& option, const std::string& path,
                                      const std::string& store,
                                      const std::vector<std::string>& inputs) = 0;
  // Adds to the file, which is made if there is none. Errors: Io.
  virtual Result<std::unique_ptr<Writer>> append(const std::string& option,
                                                 const std::string& path) = 0;
  // What is written takes the place of the file with finish(), in one piece; without a byte written
  // nothing happens. Errors: Io; InvalidArgument (what is there is no file).
  virtual Result<std::unique_ptr<Writer>> replace(const std::string& option,
                                                  const std::string& path) = 0;
};

// The files of this machine.
class LocalFiles final : public Files {
 public:
  Result<void> check_readable(const std::string& path) override;
  Result<std::unique_ptr<ByteSource>> read(const std::string& path, WaitHooks hooks) override;
  Result<void> check_writable(const std::string& option, const std::string& path,
                              const std::string& store,
                              const std::vector<std::string>& inputs) override;
  Result<std::unique_ptr<Writer>> append(const std::string& option,
                                         const std::string& path) override;
  Result<std::unique_ptr<Writer>> replace(const std::string& option,
                                          const std::string& path) override;
};

// Files that came along with a call, and those that go back with its answer. Names are only
// compared, never opened.
class NamedFiles final : public Files {
 public:
  // What came along: the bytes of a file (as they are, perhaps compressed), or why it could not be
  // read where it is.
  void give(std::string path, Result<std::string> bytes);
  // What was written, by name: to be added to these files, or to take their place.
  const std::map<std::string, std::string>& written() const { return written_; }
  // Bytes that one call may write altogether; beyond it Exhausted.
  static constexpr size_t kMaxWritten = 64u << 20;

  Result<void> check_readable(const std::string& path) override;
  Result<std::unique_ptr<ByteSource>> read(const std::string& path, WaitHooks hooks) override;
  // Who gave the files has looked.
  Result<void> check_writable(const std::string& option, const std::string& path,
                              const std::string& store,
                              const std::vector<std::string>& inputs) override;
  Result<std::unique_ptr<Writer>> append(const std::string& option,
                                         const std::string& path) override;
  Result<std::unique_ptr<Writer>> replace(const std::string& option,
                                          const std::string& path) override;

 private:
  class Appender;
  Result<const std::string*> find(const std::string& path) const;

  std::map<std::string, Result<std::string>> given_;
  std::map<std::string, std::string> written_;
  size_t written_bytes_ = 0;
};

// Errors: as Files::read().
Result<std::unique_ptr<LineSource>> open_lines(Files& files, const std::string& path,
                                               WaitHooks hooks = {});

}  // namespace cairn::verbs
