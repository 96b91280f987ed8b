//! The kinds of files, and their paths (`wacore/src/download.rs`, `MediaType`).

use wacore::download::MediaType;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Image,
    Video,
    Audio,
    Document,
    History,
    AppState,
    StickerPack,
    StickerPackThumbnail,
    LinkThumbnail,
    /// A catalogue image: not encrypted.
    Product,
    /// A picture of an account or a group: not encrypted, and set by a stanza, not uploaded.
    Picture,
}

const ALL: &[(Kind, &str, &str)] = &[
    (Kind::Image, "image", "/mms/image"),
    (Kind::Video, "video", "/mms/video"),
    (Kind::Audio, "audio", "/mms/audio"),
    (Kind::Document, "document", "/mms/document"),
    (Kind::History, "md-msg-hist", "/mms/md-msg-hist"),
    (Kind::AppState, "md-app-state", "/mms/md-app-state"),
    (Kind::StickerPack, "sticker-pack", "/mms/sticker-pack"),
    (
        Kind::StickerPackThumbnail,
        "thumbnail-sticker-pack",
        "/mms/thumbnail-sticker-pack",
    ),
    (Kind::LinkThumbnail, "thumbnail-link", "/mms/thumbnail-link"),
    (Kind::Product, "product-image", "/product/image"),
    (Kind::Picture, "picture", ""),
];

impl Kind {
    /// Where files of this kind are kept, and the segment of their download path.
    pub(crate) fn folder(self) -> &'static str {
        ALL.iter()
            .find(|(kind, ..)| *kind == self)
            .map_or("", |(_, folder, _)| folder)
    }

    /// The kind with this folder.
    pub(crate) fn from_folder(folder: &str) -> Option<Self> {
        ALL.iter()
            .find(|(_, known, _)| *known == folder)
            .map(|(kind, ..)| *kind)
    }

    /// The kind that is uploaded to this path.
    pub(crate) fn from_upload_path(path: &str) -> Option<Self> {
        ALL.iter()
            .find(|(_, _, known)| *known == path && !known.is_empty())
            .map(|(kind, ..)| *kind)
    }

    /// Whether files of this kind are ciphertexts.
    pub(crate) fn is_encrypted(self) -> bool {
        !matches!(self, Self::Product | Self::Picture)
    }

    /// The kind of what is encrypted as `media`.
    pub(crate) fn of(media: MediaType) -> Option<Self> {
        Self::from_upload_path(media.upload_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_client_has_a_path() {
        for media in [
            MediaType::Image,
            MediaType::Video,
            MediaType::Audio,
            MediaType::Document,
            MediaType::History,
            MediaType::AppState,
            MediaType::Sticker,
            MediaType::StickerPack,
            MediaType::StickerPackThumbnail,
            MediaType::LinkThumbnail,
            MediaType::ProductCatalogImage,
        ] {
            let kind = Kind::of(media).expect("kind");
            assert_eq!(kind.is_encrypted(), media.is_encrypted());
            assert_eq!(Kind::from_folder(kind.folder()), Some(kind));
        }
        assert_eq!(Kind::from_upload_path(""), None);
    }
}
