//! Replies to commands.

use pombal_domain::{CommandId, Reply};

use super::*;

pub(super) async fn a_reply_is_there_until_its_time_is_over(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let command = CommandId::random();
    assert_eq!(registry.reply(command).await.unwrap(), None);
    let failed = Reply::Failed {
        message: "não".to_owned(),
    };
    for reply in [
        failed,
        Reply::NotOnWhatsApp {
            jid: "1@s.whatsapp.net".to_owned(),
        },
        Reply::Done,
    ] {
        registry
            .put_reply(command, &reply, PATIENCE * 10)
            .await
            .unwrap();
        assert_eq!(registry.reply(command).await.unwrap(), Some(reply));
    }
    assert_eq!(registry.reply(CommandId::random()).await.unwrap(), None);

    registry
        .put_reply(command, &Reply::TimedOut, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(registry.reply(command).await.unwrap(), None);
    let short = Duration::from_millis(300);
    registry
        .put_reply(command, &Reply::Done, short)
        .await
        .unwrap();
    eventually(|| registry.reply(command), Option::is_none).await;
    registry.sweep().await.unwrap();
    assert_eq!(registry.reply(command).await.unwrap(), None);
}
