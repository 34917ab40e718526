/*
 * Files of the volume that the program came from. Files that grow stay open between appends:
 * opening one costs the firmware far more than writing a line does.
 */
#include "lib/text.h"

#include "efi/firmware.h"

enum { OPEN_FILES = 4, PATH_SIZE = 128 };

static struct {
	char path[PATH_SIZE];
	EFI_FILE_HANDLE file; /* NULL: the slot is free */
} slots[OPEN_FILES];

static EFI_FILE_HANDLE root;

static enum status open_root(void)
{
	static const EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
	EFI_STATUS status;

	if (root)
		return STATUS_OK;
	if (!firmware.loaded->DeviceHandle)
		return STATUS_NOT_FOUND;
	volume = firmware_protocol(firmware.loaded->DeviceHandle, &guid);
	if (!volume)
		return STATUS_NOT_FOUND;
	status = volume->OpenVolume(volume, &root);
	if (status != EFI_SUCCESS)
		root = NULL;
	return firmware_status(status);
}

/* Opens length characters of path, which files and folders alike have. */
static EFI_STATUS open_path(const char *path, size_t length, UINT64 mode, UINT64 attributes,
			    EFI_FILE_HANDLE *file)
{
	CHAR16 wide[PATH_SIZE];

	if (length >= PATH_SIZE)
		return EFI_INVALID_PARAMETER;
	for (size_t i = 0; i < length; i++)
		wide[i] = path[i] == '/' ? '\\' : (CHAR16)(unsigned char)path[i];
	wide[length] = 0;
	return root->Open(root, file, wide, mode, attributes);
}

/* Open() succeeds on a folder; its Read() gives entries, its Delete() removes it if it is empty. */
static bool is_folder(EFI_FILE_HANDLE file)
{
	static const EFI_GUID info_guid = EFI_FILE_INFO_ID;
	EFI_GUID guid = info_guid;
	uint64_t info[(SIZE_OF_EFI_FILE_INFO + 2 * PATH_SIZE) / 8 + 1];
	UINTN size = sizeof(info);

	return file->GetInfo(file, &guid, &size, info) == EFI_SUCCESS &&
	       ((const EFI_FILE_INFO *)(const void *)info)->Attribute & EFI_FILE_DIRECTORY;
}

static EFI_STATUS open_file(const char *path, UINT64 mode, EFI_FILE_HANDLE *file)
{
	EFI_STATUS status = open_path(path, text_length(path), mode, 0, file);

	if (status != EFI_SUCCESS || !is_folder(*file))
		return status;
	(*file)->Close(*file);
	return EFI_INVALID_PARAMETER;
}

static const UINT64 for_writing = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE;
static const UINT64 for_creating = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE;

static EFI_STATUS make_folders(const char *path)
{
	for (size_t i = 1; path[i]; i++) {
		EFI_FILE_HANDLE folder;
		EFI_STATUS status;

		if (path[i] != '\\' && path[i] != '/')
			continue;
		status = open_path(path, i, for_creating, EFI_FILE_DIRECTORY, &folder);
		if (status != EFI_SUCCESS)
			return status;
		folder->Close(folder);
	}
	return EFI_SUCCESS;
}

/* An empty file, whether there was one or not. */
static EFI_STATUS create(const char *path, EFI_FILE_HANDLE *file)
{
	EFI_STATUS status = open_file(path, for_writing, file);

	if (status == EFI_SUCCESS) {
		/* A warning, not an error, is the answer when it could not be deleted. */
		status = (*file)->Delete(*file);
		if (status != EFI_SUCCESS)
			return EFI_WRITE_PROTECTED;
	} else if (status == EFI_NOT_FOUND) {
		status = make_folders(path);
		if (status != EFI_SUCCESS)
			return status;
	} else {
		return status;
	}
	return open_file(path, for_creating, file);
}

static size_t find_slot(const char *path)
{
	size_t i;

	for (i = 0; i < OPEN_FILES; i++)
		if (slots[i].file && text_equal(slots[i].path, path))
			break;
	return i;
}

static void close_slot(size_t i)
{
	if (i < OPEN_FILES && slots[i].file) {
		slots[i].file->Close(slots[i].file);
		slots[i].file = NULL;
	}
}

static size_t fill_slot(const char *path, EFI_FILE_HANDLE file)
{
	static size_t next;
	size_t i = next++ % OPEN_FILES;

	close_slot(i);
	text_format(slots[i].path, PATH_SIZE, "%s", path);
	slots[i].file = file;
	return i;
}

/* After an error the file and the volume are opened anew. */
static enum status write_slot(size_t i, const char *data, size_t size, bool flush)
{
	EFI_FILE_HANDLE file = slots[i].file;
	UINTN written = size;
	EFI_STATUS status = EFI_SUCCESS;

	if (size)
		status = file->Write(file, &written, (void *)(uintptr_t)data);
	if (status == EFI_SUCCESS && written < size)
		status = EFI_VOLUME_FULL;
	if (status == EFI_SUCCESS && flush) /* EDK II flushes the whole volume */
		status = file->Flush(file);
	if (status != EFI_SUCCESS)
		files_close();
	return firmware_status(status);
}

enum status files_write(const char *path, const char *data, size_t size)
{
	EFI_FILE_HANDLE file;
	EFI_STATUS status;
	enum status error = open_root();

	if (error)
		return error;
	close_slot(find_slot(path));
	status = create(path, &file);
	if (status != EFI_SUCCESS) {
		files_close();
		return firmware_status(status);
	}
	return write_slot(fill_slot(path, file), data, size, false);
}

enum status files_append(const char *path, const char *data, size_t size)
{
	size_t slot = find_slot(path);
	EFI_FILE_HANDLE file;
	EFI_STATUS status;
	enum status error = open_root();

	if (error)
		return error;
	if (slot == OPEN_FILES) {
		status = open_file(path, for_writing, &file);
		if (status != EFI_SUCCESS)
			return firmware_status(status);
		slot = fill_slot(path, file);
		/* UEFI specification, "EFI_FILE_PROTOCOL.SetPosition()": all ones is the end. */
		status = file->SetPosition(file, ~0ull);
		if (status != EFI_SUCCESS) {
			close_slot(slot); /* the next append would write at its start */
			return firmware_status(status);
		}
	}
	return write_slot(slot, data, size, true);
}

enum status files_read(const char *path, char *data, size_t size, size_t *got)
{
	EFI_FILE_HANDLE file;
	UINTN length = size;
	EFI_STATUS status;
	enum status error = open_root();

	*got = 0;
	if (error)
		return error;
	close_slot(find_slot(path));
	status = open_file(path, EFI_FILE_MODE_READ, &file);
	if (status != EFI_SUCCESS)
		return firmware_status(status);
	status = file->Read(file, &length, data);
	file->Close(file);
	if (status != EFI_SUCCESS)
		return firmware_status(status);
	*got = length;
	return STATUS_OK;
}

void files_close(void)
{
	for (size_t i = 0; i < OPEN_FILES; i++)
		close_slot(i);
	if (root)
		root->Close(root);
	root = NULL;
}
